#include "loadtest/lab/bug_report/identity.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <sstream>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "db/conninfo.hpp"
#include "loadtest/lab/files.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// A value of a variable that is shorter is a switch: TOKEN=1.
constexpr std::size_t shortest_secret_of_a_variable = 6;

std::string variable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

void hide_passfile(Redaction &hides, const fs::path &file) {
  for (const std::string &password : passwords_in(text_of_file(file).value_or("")))
    hides.secret(password);
}

void hide_user(Redaction &hides, uid_t uid) {
  if (const passwd *who = ::getpwuid(uid)) {
    hides.user(who->pw_name);
    hides.folder(who->pw_dir, "~");
    hide_passfile(hides, fs::path(who->pw_dir) / ".pgpass");
  }
}

// As the program was started: PGPASSWORD is taken out of its environment at once.
void hide_environment(Redaction &hides) {
  std::istringstream all(text_of_file("/proc/self/environ").value_or(""));
  for (std::string one; std::getline(all, one, '\0');) {
    const auto equals = one.find('=');
    if (equals != std::string::npos && may_be_secret(one.substr(0, equals)) &&
        one.size() - equals > shortest_secret_of_a_variable)
      hides.secret(one.substr(equals + 1));
  }
}

void hide_host(Redaction &hides, const std::string &name) {
  hides.host(name);
  if (const auto dot = name.find('.'); dot != std::string::npos && !std::isdigit(name[0]))
    hides.host(name.substr(0, dot));
}

void hide_database(Redaction &hides, const std::string &conninfo) {
  auto parts = db::parts_of(conninfo).value_or(db::ConninfoParts());
  hides.secret(parts["password"]);
  hides.secret(parts["sslpassword"]);
  hides.user(parts["user"]);
  for (const char *where : {"host", "hostaddr"})
    if (!parts[where].starts_with('/') && !parts[where].starts_with('@'))
      hide_host(hides, parts[where]);
  if (!parts["passfile"].empty())
    hide_passfile(hides, parts["passfile"]);
}

// Taken from the file itself, for the lab may be one that refuses it.
void hide_what_is_remembered(Redaction &hides, const fs::path &file) {
  const json state = json::parse(text_of_file(file).value_or(""), nullptr, false);
  if (!state.is_object())
    return;
  if (const auto database = state.find("database"); database != state.end())
    if (database->is_string())
      hide_database(hides, database->get<std::string>());
  if (const auto origins = state.find("origins"); origins != state.end() && origins->is_array())
    for (const json &origin : *origins)
      if (origin.is_string()) {
        const auto text = origin.get<std::string>();
        const auto from = text.find("://");
        const auto name = from == std::string::npos ? text : text.substr(from + 3);
        hides.host(name.substr(0, name.find(':')));
      }
}

} // namespace

bool may_be_secret(const std::string &variable) {
  static constexpr std::array<std::string_view, 8> words = {
      "PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH", "COOKIE", "DATABASE_URL"};
  std::string name = variable;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  // These say where something is.
  if (name.ends_with("FILE") || name.ends_with("PATH") || name.ends_with("SOCK"))
    return false;
  return std::any_of(words.begin(), words.end(), [&name](std::string_view word) {
    return name.find(word) != std::string::npos;
  });
}

std::vector<std::string> passwords_in(const std::string &passfile) {
  constexpr int fields_before = 4; // host, port, database, user
  std::vector<std::string> found;
  std::istringstream lines(passfile);
  for (std::string line; std::getline(lines, line);) {
    int field = 0;
    std::string password;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool escapes = line[i] == '\\' && i + 1 < line.size();
      if (escapes)
        ++i;
      if (field == fields_before)
        password += line[i];
      else if (!escapes && line[i] == ':')
        ++field;
    }
    if (!line.starts_with('#') && !password.empty())
      found.push_back(password);
  }
  return found;
}

Redaction redaction_for(const Places &places) {
  Redaction hides;
  hide_passfile(hides, places.postgres_folder() / "passfile");
  hide_what_is_remembered(hides, places.state());
  hide_environment(hides);

  hides.folder(places.home(), "$LAB_HOME");
  hides.folder(places.work(), "$LAB_WORK");
  hides.folder(variable("LAB_CLONE"), "$LAB_CLONE");
  hides.folder(variable("HOME"), "~");
  hide_passfile(hides, fs::path(variable("HOME")) / ".pgpass");

  hide_user(hides, ::getuid());
  for (const char *name : {"USER", "LOGNAME", "SUDO_USER"}) {
    hides.user(variable(name));
    if (const passwd *who = ::getpwnam(variable(name).c_str()))
      hide_user(hides, who->pw_uid);
  }
  struct stat owner {};
  for (const fs::path &ours : {places.work(), places.home()})
    if (::stat(ours.c_str(), &owner) == 0)
      hide_user(hides, owner.st_uid);

  std::string name(256, '\0');
  if (::gethostname(name.data(), name.size() - 1) == 0)
    hide_host(hides, name.c_str());
  hide_host(hides, variable("HOSTNAME"));
  return hides;
}

} // namespace lab::cli
