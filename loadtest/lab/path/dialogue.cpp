#include "loadtest/lab/path/dialogue.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <iostream>
#include <random>

#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/path/judge.hpp"

namespace lab::path {
namespace {

std::string trimmed(const std::string &text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos
             ? ""
             : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// FNV-1a: the same on every machine.
std::uint64_t hash(const std::string &text, std::uint64_t start) {
  std::uint64_t value = start ^ 14695981039346656037ULL;
  for (const unsigned char c : text)
    value = (value ^ c) * 1099511628211ULL;
  return value;
}

char letter(std::size_t index) {
  return static_cast<char>('a' + index);
}

} // namespace

std::vector<Option> shuffled(const Question &question, std::uint64_t salt, std::size_t tries) {
  std::vector<Option> options = question.options;
  std::mt19937_64 random(hash(question.id, salt + tries));
  for (std::size_t i = options.size(); i > 1; --i)
    std::swap(options[i - 1], options[random() % i]);
  return options;
}

std::string shown_question(const Question &question, const std::vector<Option> &options,
                           const Facts &facts) {
  std::string text = fmt::format("{}: {}\n", question.id, filled(question.ask, facts));
  for (std::size_t i = 0; i < options.size(); ++i)
    text += fmt::format("  {}) {}\n", letter(i), options[i].text);
  return text;
}

nlohmann::json question_json(const Question &question, const std::vector<Option> &options,
                             const Facts &facts) {
  nlohmann::json texts = nlohmann::json::array();
  for (const Option &option : options)
    texts.push_back(option.text);
  return {{"id", question.id},
          {"ask", filled(question.ask, facts)},
          {"unit", question.unit},
          {"options", texts}};
}

Typed understood(const Question &question, const std::vector<Option> &options,
                 const std::string &typed) {
  const std::string answer = trimmed(typed);
  if (question.is_choice()) {
    if (answer.size() == 1 || (answer.size() == 2 && answer[1] == ')')) {
      const int index = std::tolower(static_cast<unsigned char>(answer[0])) - 'a';
      if (index >= 0 && index < static_cast<int>(options.size()))
        return {options[static_cast<std::size_t>(index)].kept(), ""};
    }
    for (const Option &option : options)
      if (answer == option.text)
        return {option.kept(), ""};
    return {std::nullopt, fmt::format("{}: the answer is a letter, a to {}", question.id,
                                      letter(options.size() - 1))};
  }
  if (!number_in(answer, question.unit))
    return {std::nullopt,
            fmt::format("{}: the answer is one number{}, such as 1500 or 0.5", question.id,
                        question.unit.empty() ? "" : " (" + question.unit + ")")};
  return {answer, ""};
}

std::map<std::string, std::string> parse_answers(const std::vector<std::string> &given,
                                                 const std::vector<Question> &questions) {
  std::map<std::string, std::string> answers;
  std::string ids;
  for (const Question &question : questions)
    ids += (ids.empty() ? "" : ", ") + question.id;
  for (const std::string &one : given) {
    if (questions.empty())
      throw cli::SetUpFailed(fmt::format("--answer {}: there is no question here", one));
    const auto equals = one.find('=');
    const std::string id = one.substr(0, equals);
    if (equals == std::string::npos)
      throw cli::SetUpFailed(
          fmt::format("--answer {}: write ID=ANSWER; here the ids are {}", one, ids));
    if (std::none_of(questions.begin(), questions.end(),
                     [&id](const Question &question) { return question.id == id; }))
      throw cli::SetUpFailed(
          fmt::format("--answer {}: there is no question {} here; there are {}", one, id, ids));
    if (!answers.emplace(id, one.substr(equals + 1)).second)
      throw cli::SetUpFailed(fmt::format("--answer {}: {} is answered twice", one, id));
  }
  return answers;
}

bool somebody_is_there() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
}

std::optional<std::string> ask(const Question &question, const std::vector<Option> &options,
                               const Facts &facts) {
  fmt::print("\n{}", shown_question(question, options, facts));
  for (;;) {
    fmt::print("{}> ", question.is_choice() || question.unit.empty() ? "" : question.unit + " ");
    std::fflush(stdout);
    std::string line;
    if (!std::getline(std::cin, line)) {
      fmt::print("\n");
      return std::nullopt;
    }
    const Typed typed = understood(question, options, line);
    if (typed.answer)
      return typed.answer;
    fmt::print("{}\n", typed.problem);
  }
}

} // namespace lab::path
