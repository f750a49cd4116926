// Who ended a statement: its timeout, or somebody. PostgreSQL gives both the same
// SQLSTATE (57014), and texts are translated; so the two are told apart by how long
// the statement ran. [any thread]
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace lab::db {

// What a session that was begun with these `options` has as its statement_timeout:
// the last one stated. Zero: none.
std::chrono::milliseconds statement_timeout_in(std::string_view options);

// Of a statement that was ended after it `ran` so long: one line for people.
std::string why_ended(std::chrono::nanoseconds ran, std::chrono::milliseconds timeout);

} // namespace lab::db
