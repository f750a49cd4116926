// Asking the learner: on a terminal one question after the other; elsewhere the
// answers come from the command line (--answer ID=ANSWER). [one thread]
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/path/formula.hpp"
#include "loadtest/lab/path/step.hpp"

namespace lab::path {

// The options in the order in which they are shown: another one for each learner
// and after each try, so that letters can't be passed on or gone through in turn.
std::vector<Option> shuffled(const Question &question, std::uint64_t salt, std::size_t tries);

// The question as it is shown, with lettered options.
std::string shown_question(const Question &question, const std::vector<Option> &options,
                           const Facts &facts);

// The same for a page: {"id", "ask", "unit", "options": [texts]}; no options: a number.
nlohmann::json question_json(const Question &question, const std::vector<Option> &options,
                             const Facts &facts);

// What was typed as an answer, as it is kept: of a letter (or of an option's text)
// the option's id, a number as it is. Nothing, with the reason, when it is no answer.
struct Typed {
  std::optional<std::string> answer;
  std::string problem;
};
Typed understood(const Question &question, const std::vector<Option> &options,
                 const std::string &typed);

// "ID=ANSWER", several. Throws cli::SetUpFailed for an id that isn't among the
// questions, or that comes twice.
std::map<std::string, std::string> parse_answers(const std::vector<std::string> &given,
                                                 const std::vector<Question> &questions);

// Whether a person can be asked.
bool somebody_is_there();

// Asks until an answer is understood. Nothing at the end of input.
std::optional<std::string> ask(const Question &question, const std::vector<Option> &options,
                               const Facts &facts);

} // namespace lab::path
