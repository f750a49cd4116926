#include "db/conninfo.hpp"

#include <cctype>
#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace lab::db {

namespace {

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

Options parsed(const std::string &conninfo) {
  char *complaint = nullptr;
  Options options(PQconninfoParse(conninfo.c_str(), &complaint), &PQconninfoFree);
  PQfreemem(complaint);
  return options;
}

std::string encoded(const std::string &text, std::string_view kept) {
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) ||
        std::string_view("-._~").find(static_cast<char>(c)) != std::string_view::npos ||
        kept.find(static_cast<char>(c)) != std::string_view::npos)
      out += static_cast<char>(c);
    else
      out += fmt::format("%{:02X}", c);
  }
  return out;
}

std::string part(const ConninfoParts &parts, const char *keyword) {
  const auto found = parts.find(keyword);
  return found == parts.end() ? "" : found->second;
}

} // namespace

std::optional<ConninfoParts> parts_of(const std::string &conninfo) {
  const Options options = parsed(conninfo);
  if (!options)
    return std::nullopt;
  ConninfoParts parts;
  for (const PQconninfoOption *o = options.get(); o->keyword; ++o)
    if (o->val)
      parts[o->keyword] = o->val;
  return parts;
}

std::string conninfo_of(const ConninfoParts &parts) {
  std::string text;
  for (const auto &[keyword, value] : parts)
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", keyword, quoted_value(value));
  return text;
}

std::string quoted_value(std::string_view value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\')
      text += '\\';
    text += c;
  }
  return text + "'";
}

bool states_password(const std::string &text) {
  if (const auto parts = parts_of(text))
    return parts->contains("password") || parts->contains("sslpassword");
  // Not to be read by libpq, so by the look of it: `://USER:PASSWORD@`, `password =`.
  if (const auto user = text.find("://"); user != std::string::npos) {
    const auto colon = text.find(':', user + 3);
    const auto at = text.find('@', user + 3);
    if (colon != std::string::npos && at != std::string::npos && colon < at)
      return true;
  }
  constexpr std::string_view keyword = "password";
  for (auto at = text.find(keyword); at != std::string::npos; at = text.find(keyword, at + 1))
    if (const auto next = text.find_first_not_of(" \t", at + keyword.size());
        next != std::string::npos && text[next] == '=')
      return true;
  return false;
}

std::string url_of(const std::string &conninfo) {
  const ConninfoParts parts = parts_of(conninfo).value_or(ConninfoParts{});
  std::string host = part(parts, "host");
  const std::string port = part(parts, "port");
  std::string query;
  const auto ask = [&query](const char *keyword, const std::string &value) {
    if (!value.empty())
      query += fmt::format("{}{}={}", query.empty() ? '?' : '&', keyword, encoded(value, "/:"));
  };
  const bool other_port = !port.empty() && port != "5432";
  if (host.starts_with('/') || host.starts_with('@')) { // a socket's folder
    ask("host", host);
    if (other_port)
      ask("port", port);
    host.clear();
  } else {
    host = host.find(':') != std::string::npos ? "[" + host + "]" : encoded(host, "");
    if (other_port)
      host += ":" + port;
  }
  for (const char *keyword : {"hostaddr", "sslmode"})
    ask(keyword, part(parts, keyword));
  return fmt::format("postgresql://{}@{}/{}{}", encoded(part(parts, "user"), ""), host,
                     encoded(part(parts, "dbname"), ""), query);
}

std::map<std::string, std::string> environment_of(const std::string &conninfo) {
  std::map<std::string, std::string> variables;
  const Options options = parsed(conninfo);
  for (const PQconninfoOption *o = options.get(); o && o->keyword; ++o)
    if (o->val && o->envvar && std::string_view(o->keyword) != "password")
      variables[o->envvar] = o->val;
  return variables;
}

} // namespace lab::db
