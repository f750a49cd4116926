// What a bug report must not tell of this lab and this machine: the passwords that
// are in use, who calls, what the machine is called. [any thread]
#pragma once

#include "loadtest/lab/bug_report/redaction.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

// What can't be read is left out, without a word: then the report can't tell it either,
// but for what looks like a secret. Never throws.
Redaction redaction_for(const Places &places);

// The passwords in the text of a password file (~/.pgpass), a line each.
std::vector<std::string> passwords_in(const std::string &passfile);

// Whether a variable of that name may hold a secret.
bool may_be_secret(const std::string &variable);

} // namespace lab::cli
