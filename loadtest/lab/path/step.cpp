#include "loadtest/lab/path/step.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <regex>
#include <set>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/path/formula.hpp"
#include "loadtest/profile.hpp"

namespace lab::path {
namespace {

constexpr std::size_t hint_levels = 3;

// Reads one file; every mistake names the file and the line.
class Reader {
public:
  explicit Reader(const std::filesystem::path &file) : file_(file) {}

  Step read() {
    static const std::regex stem(R"(([0-9]{1,4})-([a-z][a-z0-9-]*))");
    std::smatch parts;
    const std::string name = file_.stem();
    if (!std::regex_match(name, parts, stem))
      fail(0, "its name must be NUMBER-NAME.toml, such as 2-break-small.toml");
    Step step;
    step.number = std::stoi(parts[1]);
    step.name = parts[2];
    toml::table all;
    try {
      all = toml::parse_file(file_.string());
    } catch (const toml::parse_error &e) {
      fail(e.source().begin.line, std::string(e.description()));
    }
    allow(all, {"title", "now", "minutes", "short", "own_database", "hints", "predict", "run",
                "expect", "question"});
    step.title = text(all, "title");
    step.now = text(all, "now");
    step.minutes = number<int>(all, "minutes", 0);
    step.in_short_route = flag(all, "short");
    step.own_database = flag(all, "own_database");
    step.hints = texts(all, "hints");
    if (step.hints.size() != hint_levels)
      fail(line(all), fmt::format("there must be {} hints: where to look, what it means, what to "
                                  "type",
                                  hint_levels));
    if (step.minutes < 1)
      fail(line(all), "minutes must be at least 1");
    for (const toml::table *table : tables(all, "run")) {
      step.runs.push_back(run(*table));
      if (!runs_.insert(step.runs.back().name).second)
        fail(line(*table), fmt::format("two runs are called {}", step.runs.back().name));
    }
    if (step.runs.empty())
      fail(line(all), "a step needs at least one [[run]]");
    step.predictions = questions(all, "predict", "outcome");
    for (const toml::table *table : tables(all, "expect"))
      step.expectations.push_back(expectation(*table));
    step.questions = questions(all, "question", "number");
    // These come before the runs that their formulas name.
    check_text_before(step, line(all, "now"), step.now);
    for (const std::string &hint : step.hints)
      check_text_before(step, line(all, "hints"), hint);
    for (const toml::table *table : tables(all, "run"))
      for (const char *key : {"what", "edit"})
        check_text_before(step, line(*table, key), text_or_none(*table, key));
    for (const toml::table *table : tables(all, "predict")) {
      check_text_before(step, line(*table, "ask"), text(*table, "ask"));
      if (const toml::node *right = table->get("right"))
        check_text_before(step, line(*right),
                          right->is_table() ? text(*right->as_table(), "text")
                                            : text(*table, "right"));
      for (const toml::table *wrong : tables(*table, "wrong"))
        check_text_before(step, line(*wrong, "text"), text(*wrong, "text"));
    }
    return step;
  }

private:
  using Line = toml::source_index;

  [[noreturn]] void fail(Line at, const std::string &what) const {
    throw cli::SetUpFailed(at == 0 ? fmt::format("{}: {}", file_.string(), what)
                                   : fmt::format("{} line {}: {}", file_.string(), at, what));
  }

  static Line line(const toml::node &node) { return node.source().begin.line; }

  // Of a key; of its table when it isn't there.
  static Line line(const toml::table &table, std::string_view key) {
    const toml::node *node = table.get(key);
    return line(node == nullptr ? table : *node);
  }

  void allow(const toml::table &table, std::initializer_list<std::string_view> keys) const {
    for (const auto &[key, value] : table)
      if (std::find(keys.begin(), keys.end(), key.str()) == keys.end())
        fail(line(value),
             fmt::format("there is no {} here; there are {}", key.str(), fmt::join(keys, ", ")));
  }

  std::string text(const toml::table &table, std::string_view key) const {
    const toml::node *node = table.get(key);
    if (node == nullptr || !node->is_string() || node->ref<std::string>().empty())
      fail(line(table, key), fmt::format("{} must be a text", key));
    return node->ref<std::string>();
  }

  std::string text_or_none(const toml::table &table, std::string_view key) const {
    return table.contains(key) ? text(table, key) : "";
  }

  template <class Number>
  Number number(const toml::table &table, std::string_view key, Number otherwise) const {
    const toml::node *node = table.get(key);
    if (node == nullptr)
      return otherwise;
    const auto value = node->value<Number>();
    const bool fits = node->is_number() && value && std::isfinite(static_cast<double>(*value));
    if (!fits || *value < 0)
      fail(line(*node), fmt::format("{} must be a {}number from 0 on", key,
                                    std::is_integral_v<Number> ? "whole " : ""));
    return *value;
  }

  bool flag(const toml::table &table, std::string_view key) const {
    const toml::node *node = table.get(key);
    if (node != nullptr && !node->is_boolean())
      fail(line(*node), fmt::format("{} must be true or false", key));
    return node != nullptr && node->ref<bool>();
  }

  std::vector<std::string> texts(const toml::table &table, std::string_view key) const {
    std::vector<std::string> all;
    const toml::node *node = table.get(key);
    if (node == nullptr)
      return all;
    if (!node->is_array())
      fail(line(*node), fmt::format("{} must be a list of texts", key));
    for (const toml::node &one : *node->as_array()) {
      if (!one.is_string())
        fail(line(one), fmt::format("{} must be a list of texts", key));
      all.push_back(one.ref<std::string>());
    }
    return all;
  }

  std::vector<const toml::table *> tables(const toml::table &table, std::string_view key) const {
    std::vector<const toml::table *> all;
    const toml::node *node = table.get(key);
    if (node == nullptr)
      return all;
    if (!node->is_array())
      fail(line(*node), fmt::format("{} must be a list of tables", key));
    for (const toml::node &one : *node->as_array()) {
      if (!one.is_table())
        fail(line(one), fmt::format("{} must be a list of tables", key));
      all.push_back(one.as_table());
    }
    return all;
  }

  // Facts of a step begin with the name of one of its runs, or are settings.
  void check_formula(Line at, const std::string &formula) const {
    try {
      for (const std::string &name : names_in(formula)) {
        const std::string root = name.substr(0, name.find('.'));
        if (root != "settings" && !runs_.contains(root))
          fail(at, fmt::format("\"{}\": {} is no run of this step", formula, name));
      }
    } catch (const std::invalid_argument &e) {
      fail(at, e.what());
    }
  }

  void check_text(Line at, const std::string &text) const {
    for (const std::string &formula : formulas_in(text))
      check_formula(at, formula);
  }

  // Shown before any run is there: what is known then is what a run asks for.
  void check_text_before(const Step &step, Line at, const std::string &text) const {
    check_text(at, text);
    for (const std::string &formula : formulas_in(text))
      for (const std::string &name : names_in(formula))
        if (std::none_of(step.runs.begin(), step.runs.end(), [&name](const PlannedRun &run) {
              return name == run.name + ".commands" ||
                     (run.rate > 0 && name == run.name + ".rate_asked") ||
                     (run.hold_ms > 0 && name == run.name + ".hold_ms");
            }))
          fail(at,
               fmt::format("\"{}\": {} is not known before the runs. Here a text may name "
                           "RUN.rate_asked and RUN.hold_ms, where the run has rate and hold_ms, "
                           "and RUN.commands",
                           formula, name));
  }

  PlannedRun run(const toml::table &table) const {
    allow(table, {"name", "what", "commands", "edit", "rate", "hold_ms", "strategy", "profile",
                  "model", "hosts", "if", "company"});
    PlannedRun run;
    run.name = text(table, "name");
    if (run.name == "settings")
      fail(line(table, "name"),
           "a run can't be called settings: in formulas these are my/settings.toml");
    run.what = text(table, "what");
    run.commands = texts(table, "commands");
    run.edit = text_or_none(table, "edit");
    run.rate = number<int>(table, "rate", 0);
    run.hold_ms = number<int>(table, "hold_ms", 0);
    run.hosts = number<int>(table, "hosts", 1);
    run.strategy = text(table, "strategy");
    run.profile = text(table, "profile");
    try {
      (void)load::profile_named(run.profile);
    } catch (const std::invalid_argument &e) {
      fail(line(table, "profile"), e.what());
    }
    run.model = text_or_none(table, "model");
    if (!run.model.empty() && run.model != "open" && run.model != "closed")
      fail(line(table, "model"), fmt::format("model must be open or closed, not {}", run.model));
    run.condition = text_or_none(table, "if");
    run.company = flag(table, "company");
    if (!run.condition.empty())
      try {
        (void)names_in(run.condition); // of the run's own summary: any
      } catch (const std::invalid_argument &e) {
        fail(line(table, "if"), e.what());
      }
    return run;
  }

  Expectation expectation(const toml::table &table) const {
    allow(table, {"that", "value", "pass", "fail", "machine"});
    Expectation expectation{text(table, "that"), text(table, "value"), text(table, "pass"),
                            text(table, "fail"), flag(table, "machine")};
    check_formula(line(table, "that"), expectation.that);
    check_formula(line(table, "value"), expectation.value);
    check_text(line(table, "pass"), expectation.pass);
    check_text(line(table, "fail"), expectation.fail);
    return expectation;
  }

  std::vector<Question> questions(const toml::table &all, const char *kind,
                                  const char *number_key) const {
    std::vector<Question> questions;
    std::set<std::string> ids;
    for (const toml::table *table : tables(all, kind)) {
      questions.push_back(question(*table, number_key));
      if (!ids.insert(questions.back().id).second)
        fail(line(*table), fmt::format("two questions are called {}", questions.back().id));
    }
    return questions;
  }

  Question question(const toml::table &table, const char *number_key) const {
    allow(table,
          {"id", "original", "ask", "unit", "because", "right", "wrong", number_key, "within"});
    Question question;
    question.id = text(table, "id");
    question.original = text_or_none(table, "original");
    question.ask = text(table, "ask");
    question.unit = text_or_none(table, "unit");
    question.because = text_or_none(table, "because");
    question.within = number<double>(table, "within", 0);
    check_text(line(table, "ask"), question.ask);
    check_text(line(table, "because"), question.because);
    if (table.contains(number_key) == table.contains("right") ||
        (table.contains(number_key) && table.contains("wrong")))
      fail(line(table), fmt::format("a question has either right and wrong, or {}", number_key));
    if (table.contains(number_key)) {
      question.number = text(table, number_key);
      check_formula(line(table, number_key), question.number);
      return question;
    }
    question.options.push_back(right_option(table, question.because));
    check_text(line(table, "right"), question.options.back().text);
    for (const toml::table *wrong : tables(table, "wrong")) {
      allow(*wrong, {"id", "text", "because"});
      Option option{text(*wrong, "text"), text_or_none(*wrong, "because"), false,
                    option_id(*wrong)};
      check_text(line(*wrong, "text"), option.text);
      check_text(line(*wrong, "because"), option.because);
      for (const Option &other : question.options) {
        if (other.text == option.text)
          fail(line(*wrong, "text"), fmt::format("two options are \"{}\"", option.text));
        if (other.kept() == option.kept() || other.text == option.kept() ||
            other.kept() == option.text)
          fail(line(*wrong, "id"), fmt::format("two options are called {}", option.kept()));
      }
      question.options.push_back(std::move(option));
    }
    if (question.options.size() < 2)
      fail(line(table), "a choice needs at least one wrong option");
    return question;
  }

  // With an id: { id = "in-line", text = "They stand in line" }. Without: the text alone.
  Option right_option(const toml::table &question, const std::string &because) const {
    const toml::node *node = question.get("right");
    if (!node->is_table())
      return {text(question, "right"), because, true};
    const toml::table &right = *node->as_table();
    allow(right, {"id", "text"});
    return {text(right, "text"), because, true, option_id(right)};
  }

  // Longer than a letter, which means the place of an option.
  std::string option_id(const toml::table &option) const {
    static const std::regex word("[a-z][a-z0-9-]+");
    std::string id = text_or_none(option, "id");
    if (!id.empty() && !std::regex_match(id, word))
      fail(line(option, "id"),
           fmt::format("{} can't be an id: write two small letters or more, such as in-line", id));
    return id;
  }

  const std::filesystem::path file_;
  std::set<std::string> runs_;
};

bool is_about_settings(const Expectation &expectation) {
  const auto names = names_in(expectation.that);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string &name) { return name.starts_with("settings."); });
}

} // namespace

const Option &Question::right_option() const {
  return *std::find_if(options.begin(), options.end(), [](const Option &o) { return o.right; });
}

const Option *Question::option(const std::string &kept) const {
  const auto found = std::find_if(options.begin(), options.end(), [&kept](const Option &option) {
    return option.kept() == kept || option.text == kept;
  });
  return found == options.end() ? nullptr : &*found;
}

std::string Question::said(const std::string &kept) const {
  const Option *meant = option(kept);
  return meant == nullptr ? kept : meant->text;
}

std::string Step::stem() const {
  return fmt::format("{}-{}", number, name);
}

bool Step::uses_settings() const {
  return std::any_of(expectations.begin(), expectations.end(), is_about_settings);
}

Step Step::without_settings() const {
  Step step = *this;
  std::erase_if(step.expectations, is_about_settings);
  return step;
}

bool Step::on_one_host() const {
  return std::none_of(runs.begin(), runs.end(),
                      [](const PlannedRun &run) { return run.hosts > 1; });
}

const PlannedRun &Step::brings(const PlannedRun &run) const {
  const PlannedRun *bringing = &run;
  for (const PlannedRun &one : runs) {
    bringing = one.commands.empty() ? bringing : &one;
    if (&one == &run)
      break;
  }
  return *bringing;
}

std::vector<Step> read_steps(const std::filesystem::path &folder) {
  std::vector<Step> steps;
  std::error_code absent;
  for (const auto &entry : std::filesystem::directory_iterator(folder, absent))
    if (entry.path().extension() == ".toml")
      steps.push_back(Reader(entry.path()).read());
  if (steps.empty())
    throw cli::SetUpFailed(
        fmt::format("there are no steps in {}: run scripts/lab up", folder.string()));
  std::sort(steps.begin(), steps.end(), [](const Step &a, const Step &b) {
    return std::tie(a.number, a.name) < std::tie(b.number, b.name);
  });
  for (auto later = steps.begin(); later != steps.end(); ++later)
    for (auto step = steps.begin(); step != later; ++step)
      if (step->number == later->number || step->name == later->name)
        throw cli::SetUpFailed(fmt::format("{}: two steps have one number or name: {} and {}",
                                           folder.string(), step->stem(), later->stem()));
  return steps;
}

} // namespace lab::path
