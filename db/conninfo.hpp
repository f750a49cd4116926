// Connection strings as libpq reads them: taken apart, put together, shown
// without what is secret. No connecting here. [any thread]
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lab::db {

// What a connection string states, by libpq's keywords ("host", "user", ...).
using ConninfoParts = std::map<std::string, std::string>;

// Of `host=... user=...` or `postgresql://...`. Nothing when it can't be read;
// libpq's own complaint may quote a password, so it is not told.
std::optional<ConninfoParts> parts_of(const std::string &conninfo);

// As keywords and quoted values.
std::string conninfo_of(const ConninfoParts &parts);

// A value between quotes, as a connection string wants it.
std::string quoted_value(std::string_view value);

// Whether `text` is, or looks like, a connection string with a password in it. Also
// true of one that can't be read otherwise: when in doubt it is not to be shown.
bool states_password(const std::string &text);

// `postgresql://USER@HOST:PORT/NAME`, with the few other parts that say where it
// leads, and never a password.
std::string url_of(const std::string &conninfo);

// The variables that make any of PostgreSQL's programs connect as `conninfo` says.
std::map<std::string, std::string> environment_of(const std::string &conninfo);

} // namespace lab::db
