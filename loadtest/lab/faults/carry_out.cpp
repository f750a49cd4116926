#include "loadtest/lab/faults/carry_out.hpp"

#include <exception>

#include <fmt/format.h>

namespace lab::cli {

std::string carry_out(const Places &places, const FaultKind &kind, const FaultSize &size,
                      FaultPlace &place, const std::stop_token &stop,
                      const std::function<void(const std::string &)> &begun) {
  const std::string what = kind.what(size.amount);
  const auto note = [&] { place.begins(what, std::chrono::system_clock::now() + size.length); };
  note();
  std::unique_ptr<FaultAtWork> fault;
  try {
    fault = kind.begin(places, size);
  } catch (const std::exception &) {
    place.undone();
    throw;
  }
  const auto until = std::chrono::steady_clock::now() + size.length;
  std::exception_ptr problem;
  try {
    note();               // some take long to begin
    if (kind.on_postgres) // the hosts tell of their own
      tell_hosts(places, what);
    const std::string remark = fault->remark();
    begun(fmt::format("{} for {} s{}{}", what, std::chrono::duration<double>(size.length).count(),
                      remark.empty() ? "" : "; ", remark));
    fault->last(until, stop);
  } catch (const std::exception &) {
    problem = std::current_exception();
  }
  fault->undo();
  place.undone();
  const std::string ended = fault->ended();
  if (kind.on_postgres)
    tell_hosts(places, ended);
  if (problem)
    std::rethrow_exception(problem);
  return ended;
}

} // namespace lab::cli
