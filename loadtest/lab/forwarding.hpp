// Where a browser editor shows a port of this machine. It forwards the port under a name
// of its own, which its environment tells: so `up` can allow that origin by itself.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace lab::cli {

// The value of a variable of the environment; nothing: it is not set.
using Environment = std::function<std::optional<std::string>(const std::string &name)>;

Environment own_environment(); // [one thread: nobody changes it meanwhile]

// An origin with {{port}} in the port's place: "https://name-{{port}}.app.github.dev".
// "": no editor forwards, or what it says makes no origin.
std::string forwarded_origins(const Environment &environment);

// That of one port.
std::string forwarded_origin(const std::string &origins, unsigned short port);

} // namespace lab::cli
