#include "loadtest/traffic.hpp"

#include "loadtest/request_text.hpp"
#include "loadtest/wires.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fmt/format.h>

namespace lab::load {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = Traffic::Clock;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds housekeeping{25}; // how often limits, stop and progress are looked at
constexpr milliseconds sampling{100};
constexpr milliseconds sample_limit{2000};
constexpr milliseconds progress_every{250};

// After a connect that failed a closed-loop user waits at least this long: a
// host that is gone is not to be hammered.
constexpr milliseconds pause_after_no_connection{100};

constexpr milliseconds longest_retry_pause{60'000};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

} // namespace

class Traffic::Loop final : private ErrandListener {
public:
  Loop(const Profile &profile, const Schedule &schedule, const Target &target)
      : profile_(profile), schedule_(schedule), ports_(target.ports),
        most_outstanding_(target.fault ? max_outstanding_with_fault : max_outstanding),
        texts_(profile, target.ports), wires_(io_, target.ports, *this), timer_(io_), keeper_(io_),
        sampler_(io_) {
    for (const unsigned short port : ports_)
      pool_requests_.push_back(api_request("/api/v1/pool", port));
    strategy_request_ = api_request("/api/v1/strategy", ports_.front());
    for (std::size_t i = 0; i < ports_.size(); ++i)
      sample_wires_.push_back(&wires_.own_wire(i));
  }

  nlohmann::json ask_strategy() {
    Errand errand;
    errand.kind = Errand::Kind::strategy;
    wires_.send_on(*sample_wires_.front(), strategy_request_, errand);
    const Clock::time_point limit = Clock::now() + std::chrono::seconds(1);
    asked_strategy_ = false;
    while (!asked_strategy_ && Clock::now() < limit)
      io_.run_one_until(limit);
    if (!asked_strategy_)
      wires_.shut(*sample_wires_.front());
    return strategy_;
  }

  void run(Clock::time_point start, const OnProgress &progress, const std::stop_token &stop,
           Recorded &into) {
    start_ = start;
    measured_from_ = start + profile_.warm_up;
    end_ = start + profile_.total();
    progress_ = &progress;
    stop_ = &stop;
    into_ = &into;
    into.requests.reserve(std::max<std::size_t>(schedule_.arrivals.size(), 100'000));
    user_positions_.assign(schedule_.users.size(), 0);
    for (std::size_t user = 0; user < schedule_.users.size(); ++user)
      due_users_.push({start + schedule_.users[user].start, user});

    io_.restart(); // it may have run out of work after ask_strategy
    wait_for_next();
    next_sample_ = start;
    wait_to_sample();
    keep_house();
    while (!finished_)
      io_.run_one();

    into.ended_sending = since_start(std::min(ended_at_, end_));
    const double seconds = std::chrono::duration<double>(ended_at_ - measured_from_).count();
    into.loop_cores = seconds > 0 ? (cpu_at_end_ - cpu_at_measured_) / seconds : 0;
  }

private:
  std::int64_t since_start(Clock::time_point at) const { return nanoseconds(at - start_).count(); }

  // --- when something is due -------------------------------------------------

  struct DueUser {
    Clock::time_point at;
    std::size_t user;
    bool operator>(const DueUser &other) const { return at > other.at; }
  };

  struct DueRetry {
    Clock::time_point at;
    Errand errand; // as it was; its line begins anew
    bool operator>(const DueRetry &other) const { return at > other.at; }
  };

  void wait_for_next() {
    Clock::time_point next = Clock::time_point::max();
    if (next_arrival_ < schedule_.arrivals.size())
      next = start_ + schedule_.arrivals[next_arrival_].due;
    if (!due_users_.empty())
      next = std::min(next, due_users_.top().at);
    if (!due_retries_.empty())
      next = std::min(next, due_retries_.top().at);
    if (next == armed_for_ || next == Clock::time_point::max())
      return;
    armed_for_ = next;
    timer_.expires_at(next); // cancels the wait before it
    timer_.async_wait([this](error_code error) {
      if (error)
        return;
      armed_for_ = Clock::time_point::max();
      send_due();
      wait_for_next();
    });
  }

  void send_due() {
    Clock::time_point now = Clock::now();
    while (!ended_ && next_arrival_ < schedule_.arrivals.size()) {
      const Arrival &arrival = schedule_.arrivals[next_arrival_];
      if (start_ + arrival.due > now)
        break;
      send_arrival(arrival, now);
      ++next_arrival_;
      now = Clock::now();
    }
    while (!ended_ && !due_users_.empty() && due_users_.top().at <= now) {
      const DueUser due = due_users_.top();
      due_users_.pop();
      send_for_user(due.user, due.at, now);
      now = Clock::now();
    }
    while (!ended_ && !due_retries_.empty() && due_retries_.top().at <= now) {
      const DueRetry due = due_retries_.top();
      due_retries_.pop();
      send_again(due, now);
      now = Clock::now();
    }
  }

  // Each route takes the hosts in turn by itself: where two routes alternate, all of one
  // would meet one host else.
  void send_arrival(const Arrival &arrival, Clock::time_point now) {
    Errand errand;
    errand.line.due = arrival.due.count();
    errand.line.choice = arrival.choice;
    const auto route = static_cast<std::size_t>(arrival.choice.route);
    errand.host = (route + arrived_[route]++) % ports_.size();
    if (outstanding_ >= most_outstanding_)
      not_sent(errand, now);
    else
      take_up(errand, now);
  }

  void not_sent(Errand &errand, Clock::time_point now) {
    errand.line.taken = errand.line.sent = -1;
    errand.line.done = since_start(now);
    errand.line.outcome = outcome_of("not_sent");
    into_->requests.push_back(errand.line);
    ++into_->capped;
  }

  void send_for_user(std::size_t user, Clock::time_point due, Clock::time_point now) {
    if (due >= end_ || due >= start_ + schedule_.users[user].end)
      return;
    const std::vector<Choice> &choices = schedule_.users[user].choices;
    Errand errand;
    errand.line.due = since_start(due);
    errand.line.choice = choices[user_positions_[user]++ % choices.size()];
    errand.user = user;
    errand.host = user % ports_.size();
    take_up(errand, now);
  }

  // The same request to the same host, due now that its client's pause is over.
  void send_again(const DueRetry &due, Clock::time_point now) {
    if (due.at >= end_)
      return;
    Errand errand = due.errand;
    errand.line = {};
    errand.line.choice = due.errand.line.choice;
    errand.line.due = since_start(due.at);
    ++errand.tries;
    if (due.at >= measured_from_)
      ++into_->retries;
    if (profile_.model == Model::open && outstanding_ >= most_outstanding_)
      not_sent(errand, now);
    else
      take_up(errand, now);
  }

  void take_up(Errand &errand, Clock::time_point now) {
    errand.line.taken = since_start(now);
    errand.line.sent = -1;
    ++outstanding_;
    ++taken_;
    into_->outstanding_peak = std::max(into_->outstanding_peak, outstanding_);
    wires_.send(errand.host, texts_.text(errand.host, errand.line.choice), errand);
  }

  // --- how it ended: ErrandListener ------------------------------------------

  void sending(Errand &errand) override { errand.line.sent = since_start(Clock::now()); }

  void answered(const Errand &errand, const AnswerParser &answer) override {
    if (errand.kind != Errand::Kind::request)
      take_view(errand, answer);
    else if (answer.success())
      ended(errand, "ok", answer.timing(), {});
    else
      ended(errand, code_of(answer), answer.timing(), {.not_now = answer.status() == 503});
  }

  void unanswered(const Errand &errand, const char *code) override {
    if (errand.kind == Errand::Kind::request)
      ended(errand, code, {}, {.no_answer = true});
    else
      asked_strategy_ = true;
  }

  static std::string code_of(const AnswerParser &answer) {
    const nlohmann::json problem = nlohmann::json::parse(answer.body(), nullptr, false);
    if (problem.is_object()) {
      const auto code = problem.find("code");
      if (code != problem.end() && code->is_string()) {
        const auto &text = code->get_ref<const std::string &>();
        if (!text.empty())
          return text.substr(0, 64);
      }
    }
    return fmt::format("http_{}", answer.status());
  }

  // --- the record ------------------------------------------------------------

  std::uint8_t outcome_of(std::string_view code) {
    std::vector<std::string> &codes = into_->codes;
    const auto found = std::find(codes.begin(), codes.end(), code);
    if (found != codes.end())
      return static_cast<std::uint8_t>(found - codes.begin());
    // The vocabulary has some twenty; a host that makes up ever new ones is cut off.
    if (codes.size() == 200)
      return static_cast<std::uint8_t>(codes.size() - 1);
    codes.emplace_back(code);
    return static_cast<std::uint8_t>(codes.size() - 1);
  }

  struct How {
    bool not_now = false;   // the host says: later
    bool no_answer = false; // there was none
  };

  void ended(const Errand &errand, std::string_view code, const ServerTiming &timing, How how) {
    const Clock::time_point now = Clock::now();
    RequestLine line = errand.line;
    line.done = since_start(now);
    line.wait = timing.wait;
    line.hold = timing.hold;
    --outstanding_;
    line.cut_off = cutting_off_;
    if (!cutting_off_) {
      line.outcome = outcome_of(code);
      ++(line.outcome == 0 ? ok_ : failed_);
    }
    into_->requests.push_back(line);
    if (ended_)
      return;
    if (how.not_now && errand.tries < profile_.retry.times) {
      due_retries_.push({now + pause_before_retry(errand.tries), errand});
      wait_for_next();
    } else if (profile_.model == Model::closed) {
      go_on(errand.user, line.outcome == 0, how.no_answer, now);
    }
  }

  milliseconds pause_before_retry(int tries) const {
    milliseconds pause = profile_.retry.pause;
    for (int i = 0; i < tries; ++i)
      pause = std::min(pause * profile_.retry.backoff_percent / 100, longest_retry_pause);
    return pause;
  }

  // A user's next request.
  void go_on(std::size_t user, bool well, bool no_answer, Clock::time_point now) {
    milliseconds pause = well ? profile_.think : profile_.pause_after_failure;
    if (no_answer)
      pause = std::max(pause, pause_after_no_connection);
    if (pause.count() == 0) {
      send_for_user(user, now, now);
    } else {
      due_users_.push({now + pause, user});
      wait_for_next();
    }
  }

  // --- the host's own view ---------------------------------------------------

  void wait_to_sample() {
    sampler_.expires_at(next_sample_);
    sampler_.async_wait([this](error_code error) {
      if (error)
        return;
      for (std::size_t i = 0; i < sample_wires_.size(); ++i)
        sample(*sample_wires_[i], pool_requests_[i]);
      last_sample_sent_ = next_sample_ >= end_ || ended_;
      next_sample_ = std::max(next_sample_ + sampling, Clock::now());
      if (!last_sample_sent_)
        wait_to_sample();
    });
  }

  void sample(Wire &wire, std::string_view request) {
    if (wire.under_way()) {
      if (Clock::now() - wire.errand.at < sample_limit)
        return; // the one before is not answered yet
      wires_.shut(wire);
    }
    Errand errand;
    errand.kind = Errand::Kind::pool;
    errand.host = wire.port_index;
    wires_.send_on(wire, request, errand);
  }

  void take_view(const Errand &errand, const AnswerParser &answer) {
    if (errand.kind == Errand::Kind::strategy)
      asked_strategy_ = true;
    if (!answer.success())
      return;
    nlohmann::json view = nlohmann::json::parse(answer.body(), nullptr, false);
    if (!view.is_object())
      return;
    if (errand.kind == Errand::Kind::strategy)
      strategy_ = std::move(view);
    else
      into_->samples.push_back({since_start(errand.at), ports_[errand.host], std::move(view)});
  }

  bool sample_under_way() const {
    return std::any_of(sample_wires_.begin(), sample_wires_.end(),
                       [](const Wire *wire) { return wire->under_way(); });
  }

  // --- limits, progress, the end ---------------------------------------------

  void keep_house() {
    const Clock::time_point now = Clock::now();
    if (!cpu_measured_ && now >= measured_from_) {
      cpu_at_measured_ = thread_seconds();
      cpu_measured_ = true;
    }
    wires_.give_up(now - profile_.client_limit());
    if (!ended_ && (now >= end_ || stop_->stop_requested()))
      end_sending(now);
    if (ended_ && is_over(now)) {
      finish();
      return;
    }
    if (*progress_ && now >= next_progress_) {
      report(now);
      next_progress_ = now + progress_every;
    }
    keeper_.expires_at(std::min(std::max(end_, now + milliseconds(1)), now + housekeeping));
    keeper_.async_wait([this](error_code error) {
      if (!error)
        keep_house();
    });
  }

  void end_sending(Clock::time_point now) {
    send_due(); // what was due before the end and is late is sent all the same
    ended_ = true;
    ended_at_ = now;
    cpu_at_end_ = thread_seconds();
    into_->stopped = now < end_;
    if (!cpu_measured_)
      cpu_at_measured_ = cpu_at_end_;
  }

  // Nothing is open any more, or the time for that is over.
  bool is_over(Clock::time_point now) const {
    const Clock::time_point limit = ended_at_ + drain_limit;
    return now >= limit || (outstanding_ == 0 && (last_sample_sent_ || into_->stopped) &&
                            (!sample_under_way() || into_->stopped));
  }

  void finish() {
    cutting_off_ = true;
    wires_.give_up(Clock::time_point::max());
    if (*progress_)
      report(Clock::now());
    finished_ = true;
  }

  void report(Clock::time_point now) const {
    Progress shown;
    shown.phase = ended_                  ? Progress::Phase::finishing
                  : now >= measured_from_ ? Progress::Phase::measuring
                                          : Progress::Phase::warm_up;
    shown.total = profile_.total();
    shown.elapsed = std::clamp(std::chrono::duration_cast<milliseconds>(now - start_),
                               milliseconds(0), shown.total);
    shown.sent = taken_;
    shown.ok = ok_;
    shown.failed = failed_;
    (*progress_)(shown);
  }

  const Profile &profile_;
  const Schedule &schedule_;
  const std::vector<unsigned short> ports_;
  const int most_outstanding_;
  const RequestTexts texts_;
  std::vector<std::string> pool_requests_; // one a port
  std::array<std::size_t, route_count> arrived_{};
  std::string strategy_request_;

  asio::io_context io_{1}; // 1: one thread
  Wires wires_;
  asio::steady_timer timer_;
  asio::steady_timer keeper_;
  asio::steady_timer sampler_;
  std::vector<Wire *> sample_wires_; // by port

  Clock::time_point start_;
  Clock::time_point measured_from_;
  Clock::time_point end_;
  const OnProgress *progress_ = nullptr;
  const std::stop_token *stop_ = nullptr;
  Recorded *into_ = nullptr;

  std::size_t next_arrival_ = 0;
  std::priority_queue<DueUser, std::vector<DueUser>, std::greater<>> due_users_;
  std::priority_queue<DueRetry, std::vector<DueRetry>, std::greater<>> due_retries_;
  std::vector<std::size_t> user_positions_;
  Clock::time_point armed_for_ = Clock::time_point::max();

  int outstanding_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t ok_ = 0;
  std::uint64_t failed_ = 0;

  nlohmann::json strategy_;
  bool asked_strategy_ = false;
  Clock::time_point next_sample_;
  bool last_sample_sent_ = false;

  Clock::time_point next_progress_;
  bool ended_ = false;
  bool cutting_off_ = false; // what is still open has had its time
  bool finished_ = false;
  Clock::time_point ended_at_;
  bool cpu_measured_ = false;
  double cpu_at_measured_ = 0;
  double cpu_at_end_ = 0;
};

Traffic::Traffic(const Profile &profile, const Schedule &schedule, const Target &target)
    : loop_(std::make_unique<Loop>(profile, schedule, target)) {}
Traffic::~Traffic() = default;

nlohmann::json Traffic::ask_strategy() {
  return loop_->ask_strategy();
}

void Traffic::run(Clock::time_point start, const OnProgress &progress, const std::stop_token &stop,
                  Recorded &into) {
  loop_->run(start, progress, stop, into);
}

} // namespace lab::load
