// What happens, as it happens: for the page, and for whoever wants to watch.
#include <memory>
#include <string>

#include <Poco/Net/StreamSocket.h>
#include <nlohmann/json.hpp>

#include "host/events/event_log.hpp"
#include "host/events/event_stream.hpp"
#include "host/routes/routes.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

constexpr std::size_t polled_at_once = 100; // so that an answer is small on a slow link, too
constexpr std::size_t longest_mark = 200;

// For those whom a stream does not reach (a proxy that holds it back): what has
// come since the id they name. `next` is what to name the next time.
Answer events_since(const EventLog &log, const std::string &id) {
  std::uint64_t place = log.place_of(id);
  json events = json::array();
  for (const Event &event : log.after(place, polled_at_once)) {
    events.push_back({{"id", log.id_of(event.number)},
                      {"event", event.type},
                      {"data", json::parse(event.data)}});
    place = event.number;
  }
  return Answer::json(json{{"next", log.id_of(place)}, {"events", events}}.dump());
}

} // namespace

void add_event_routes(Router &router, EventLog &log, EventStream &stream) {
  // A stream, unless JSON is asked for. `since` in the query, or the browser's own
  // Last-Event-ID, says from where; else it begins with what the log still has.
  router.add("GET", "/api/v1/events", false, [&log, &stream](Call &call) {
    const std::string since = call.query.starts_with("since=") ? call.query.substr(6) : "";
    if (call.accept == "application/json")
      return events_since(log, since);
    const auto place = log.place_of(call.last_event_id.empty() ? since : call.last_event_id);
    if (stream.viewers() >= EventStream::most_viewers)
      throw Problem(503, "host_busy", "too many viewers watch already");
    Answer answer;
    answer.take_socket = [&stream, place](const Poco::Net::StreamSocket &socket) {
      (void)stream.add(socket, place);
    };
    return answer;
  });

  // A moment worth remembering, shown on every time axis: a load begins, say; with the kind
  // `fault`, that something is done to the database on purpose.
  router.add("POST", "/api/v1/marks", true, [&log](Call &call) {
    const json body = json_object(call);
    const auto text = body.find("text");
    if (text == body.end() || !text->is_string() || text->get_ref<const std::string &>().empty() ||
        text->get_ref<const std::string &>().size() > longest_mark)
      throw Problem::bad_request("\"text\" must be a text of 1 to 200 bytes");
    const json kind = body.value("kind", json("mark"));
    if (kind != "mark" && kind != "fault")
      throw Problem::bad_request("\"kind\" must be mark or fault");
    if (kind == "fault")
      log.append("fault", {{"what", *text}, {"detail", ""}});
    else
      log.append("mark", {{"text", *text}});
    return Answer::json(json{{"text", *text}}.dump(), 201);
  });
}

} // namespace lab::host
