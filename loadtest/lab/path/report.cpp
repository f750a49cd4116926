#include "loadtest/lab/path/report.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/figures.hpp"
#include "loadtest/lab/path/effort.hpp"
#include "loadtest/lab/path/report_style.hpp"
#include "loadtest/lab/path/stored.hpp"
#include "loadtest/lab/path/table.hpp"

namespace lab::path {
namespace {

// All that comes from files or people goes through here.
std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text)
    switch (c) {
    case '&':
      safe += "&amp;";
      break;
    case '<':
      safe += "&lt;";
      break;
    case '>':
      safe += "&gt;";
      break;
    case '"':
      safe += "&quot;";
      break;
    case '\'':
      safe += "&#39;";
      break;
    default:
      safe += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  return safe;
}

struct Mark {
  const char *look; // a class of the style; never the only sign
  const char *sign;
};

Mark mark_of(Standing standing) {
  switch (standing) {
  case Standing::passed:
    return {"good", "✓"};
  case Standing::unproven:
    return {"doubt", "?"};
  case Standing::skipped:
    return {"quiet", "»"};
  case Standing::broken:
    return {"bad", "✗"};
  case Standing::begun:
  case Standing::locked:
    return {"quiet", "…"};
  case Standing::ahead:
    return {"quiet", "·"};
  }
  return {"", ""};
}

struct FindingMark {
  Mark mark;
  const char *word;
};

FindingMark mark_of(Finding::Is is) {
  switch (is) {
  case Finding::Is::good:
    return {{"good", "✓"}, "holds"};
  case Finding::Is::missing:
    return {{"quiet", "·"}, "missing"};
  case Finding::Is::wrong:
    return {{"bad", "✗"}, "does not hold"};
  case Finding::Is::unproven:
    return {{"doubt", "?"}, "unproven"};
  }
  return {{"", ""}, ""};
}

// All that is known of a step, once.
struct View {
  const Step &step;
  const StepProgress &done;
  Evidence evidence;
  Facts facts;
  Standing standing = Standing::ahead;
  std::string note;   // what a reader of the standing has to know; or ""
  Judged of_runs;     // without the questions, which stand in a table of their own
  bool known = false; // the outcome, so that it may stand beside the prediction
  std::vector<std::string> guessed;
  bool in_route = true;

  bool touched() const { return standing != Standing::ahead; }
};

View view_of(const Course &course, const Step &step) {
  View view{
      step, course.of(step), course.evidence(step), {}, course.standing(step), "", {}, false, {},
      true};
  view.facts = view.evidence.facts();
  Step runs_alone = step;
  if (view.standing == Standing::broken) {
    view.note = "no longer holds: " + course.broken_by(step);
  } else if (view.done.ended_ms != 0 && !view.evidence.settings_known && step.uses_settings()) {
    // A report may be made after `lab down`. That takes nothing from what was done.
    runs_alone = step.without_settings();
    view.note = "not compared with my/settings.toml, since the lab was not up";
  } else if (view.standing == Standing::unproven && view.evidence.other) {
    view.note =
        fmt::format("measured again since: scripts/lab check {} looks at that", step.number);
  }
  runs_alone.questions.clear();
  view.of_runs = judge(runs_alone, view.done, view.evidence);
  view.known = view.of_runs.runs_hold && view.done.predicted_ms != 0;
  view.guessed = guessed_questions(step, view.done, view.facts);
  const auto route = course.route();
  view.in_route = std::find(route.begin(), route.end(), &step) != route.end();
  return view;
}

std::string standing_html(const View &view) {
  const Mark mark = mark_of(view.standing);
  const bool elsewhere = !view.in_route && !view.touched();
  return fmt::format("<span class=\"standing {}\">{} {}</span>", mark.look, mark.sign,
                     elsewhere ? "not on this route" : standing_name(view.standing));
}

// A cell that says what it is when the table is too wide for the screen.
std::string cell(const char *is, const std::string &text) {
  // On a card what isn't there needs no line.
  return fmt::format("<td data-is=\"{}\"{}>{}</td>", is, text == "-" ? " class=\"none\"" : "",
                     escaped(text));
}

std::string again_text(const StepProgress &done) {
  const auto before = earlier_efforts(done);
  if (before.empty())
    return "-";
  const bool seen = std::any_of(before.begin(), before.end(),
                                [](const Effort &effort) { return effort.solution_shown; });
  return fmt::format("{}{}", before.size(), seen ? ", solution seen then" : "");
}

std::string summary_row(const View &view) {
  const Effort effort = effort_of(view.done);
  const auto count = [&view](int number) {
    return view.touched() ? std::to_string(number) : std::string("-");
  };
  return fmt::format(
      "<tr><th scope=\"row\"><a href=\"#step-{0}\">{0}. {1}</a></th><td data-is=\"standing\">{2}"
      "</td>{3}{4}{5}{6}{7}{8}</tr>\n",
      view.step.number, escaped(view.step.title), standing_html(view),
      cell("time", minutes_text(effort.taken)), cell("checks", count(effort.checks)),
      cell("hints", count(effort.hints)),
      cell("guessed",
           view.guessed.empty() ? "-" : fmt::format("{}", fmt::join(view.guessed, ", "))),
      cell("solution", effort.solution_shown ? "shown" : "-"),
      cell("earlier tries", again_text(view.done)));
}

std::string summary_html(const std::vector<View> &views) {
  std::string rows;
  for (const View &view : views)
    rows += summary_row(view);
  return "<section>\n<h2>Summary</h2>\n<table class=\"cards\"><thead><tr><th "
         "scope=\"col\">step</th>"
         "<th scope=\"col\">standing</th><th scope=\"col\">time</th><th scope=\"col\">checks</th>"
         "<th scope=\"col\">hints</th><th scope=\"col\">guessed</th><th scope=\"col\">solution</th>"
         "<th scope=\"col\">earlier tries</th></tr></thead>\n<tbody>\n" +
         rows +
         "</tbody></table>\n<p class=\"quiet\">Standing was worked out anew from runs and answers "
         "when this page was made. Guessed: the right answer came after all "
         "the wrong ones, or as the fifth number or later.</p>\n</section>\n";
}

std::string with_unit(const Question &question, const std::string &value) {
  return question.is_choice() || question.unit.empty() ? value : value + " " + question.unit;
}

std::string predictions_html(const View &view) {
  std::string rows;
  for (const Question &question : view.step.predictions) {
    const auto said = view.done.predictions.find(question.id);
    if (said == view.done.predictions.end())
      continue;
    rows += fmt::format(
        "<tr><td>{}</td>{}{}</tr>\n", escaped(filled(question.ask, view.facts)),
        cell("predicted", with_unit(question, question.said(said->second))),
        cell("outcome", view.known ? with_unit(question, right_answer(question, view.facts))
                                   : "not known yet"));
  }
  if (rows.empty())
    return "";
  return "<h3>Predicted, and what happened</h3>\n<table class=\"cards asked\"><thead><tr>"
         "<th scope=\"col\">question</th><th scope=\"col\">predicted</th><th scope=\"col\">outcome"
         "</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string figures_html(const View &view) {
  const Table table = table_of(view.step, view.evidence);
  if (table.empty())
    return "";
  std::string html = "<h3>The runs side by side</h3>\n<div class=\"wide\"><table "
                     "class=\"figures\"><thead><tr><td></td>";
  for (const std::string &column : table.columns)
    html += fmt::format("<th scope=\"col\">{}</th>", escaped(column));
  html += "</tr></thead>\n<tbody>\n";
  for (const auto &row : table.rows) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", escaped(row.front()));
    for (std::size_t i = 1; i < row.size(); ++i)
      html += fmt::format("<td>{}</td>", escaped(row[i]));
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string findings_html(const View &view) {
  if (view.standing == Standing::skipped || view.of_runs.findings.empty())
    return "";
  std::string html = "<h3>What was found</h3>\n<ul>\n";
  for (const Finding &finding : view.of_runs.findings) {
    const FindingMark found = mark_of(finding.is);
    html += fmt::format("<li><span class=\"sign {}\">{}</span>{} <span class=\"quiet\">({})</span>"
                        "</li>\n",
                        found.mark.look, found.mark.sign, escaped(finding.text), found.word);
  }
  return html + "</ul>\n";
}

std::string how_answered(const View &view, const Question &question,
                         const std::vector<std::string> &tries) {
  const std::string count = tries.size() == 1 ? "1 try" : fmt::format("{} tries", tries.size());
  if (view.done.ended_ms != 0 && question.is_choice() && question.option(tries.back()) == nullptr)
    return fmt::format("<td data-is=\"tries\"><div><span class=\"doubt\">? no longer among the "
                       "options, and still counts</span>, {}</div></td>",
                       count);
  if (!right(question, tries.back(), view.facts))
    return fmt::format(
        "<td data-is=\"tries\"><div><span class=\"bad\">✗ not right</span>, {}</div></td>", count);
  const bool by_guess =
      std::find(view.guessed.begin(), view.guessed.end(), question.id) != view.guessed.end();
  return by_guess
             ? fmt::format("<td data-is=\"tries\"><div><span class=\"doubt\">? guessed</span>, "
                           "{}</div></td>",
                           count)
             : fmt::format(
                   "<td data-is=\"tries\"><div><span class=\"good\">✓ right</span>, {}</div></td>",
                   count);
}

std::string answers_html(const View &view) {
  std::string rows;
  for (const Question &question : view.step.questions) {
    const auto tries = view.done.tries.find(question.id);
    if (tries == view.done.tries.end() || tries->second.empty())
      continue;
    std::string before;
    for (std::size_t i = 0; i + 1 < tries->second.size(); ++i)
      before += (before.empty() ? "" : "; ") + question.said(tries->second[i]);
    rows += fmt::format(
        "<tr><td>{}</td><td data-is=\"answer\"><div>{}{}</div></td>{}</tr>\n",
        escaped(filled(question.ask, view.facts)),
        escaped(with_unit(question, question.said(tries->second.back()))),
        before.empty() ? "" : fmt::format("<p class=\"quiet\">before: {}</p>", escaped(before)),
        how_answered(view, question, tries->second));
  }
  if (rows.empty())
    return "";
  return "<h3>Answers</h3>\n<table class=\"cards asked\"><thead><tr><th scope=\"col\">question</th>"
         "<th scope=\"col\">answer</th><th scope=\"col\">tries</th></tr></thead>\n<tbody>\n" +
         rows + "</tbody></table>\n";
}

std::string runs_html(const View &view) {
  std::string items;
  for (const PlannedRun &planned : view.step.runs) {
    const auto run = view.evidence.runs.find(planned.name);
    if (run != view.evidence.runs.end())
      items += fmt::format("<li>{}: {} <code>{}</code></li>\n", escaped(planned.name),
                           escaped(planned.what),
                           escaped(".lab/runs/" + run->second.summary.value("folder", "?")));
  }
  return items.empty() ? "" : "<h3>Recorded runs</h3>\n<ul>\n" + items + "</ul>\n";
}

std::string effort_text(const Effort &effort, std::size_t hint_levels) {
  return fmt::format("{}{}, {} {}, hints: {} of {}{}", minutes_text(effort.taken),
                     effort.taken ? "" : " (not ended)", effort.checks,
                     effort.checks == 1 ? "check" : "checks", effort.hints, hint_levels,
                     effort.solution_shown ? ", solution shown" : "");
}

std::string effort_html(const View &view) {
  const std::size_t levels = view.step.hints.size();
  std::string html = fmt::format("<p>Planned {} min. Taken: {}.</p>\n", view.step.minutes,
                                 effort_text(effort_of(view.done), levels));
  int number = 0;
  for (const Effort &before : earlier_efforts(view.done))
    html += fmt::format("<p class=\"quiet\">Earlier try {}: {}, {} given as answers.</p>\n",
                        ++number, effort_text(before, levels), before.answers);
  return html;
}

std::string step_html(const View &view) {
  std::string html = fmt::format(
      "<section id=\"step-{}\">\n<h2>{}. {} {}</h2>\n<p class=\"quiet\">{}</p>\n", view.step.number,
      view.step.number, escaped(view.step.title), standing_html(view), escaped(view.step.now));
  if (!view.note.empty())
    html += fmt::format("<p class=\"{}\">{}</p>\n",
                        view.standing == Standing::broken ? "bad" : "doubt", escaped(view.note));
  if (view.touched())
    html += effort_html(view) + predictions_html(view) + figures_html(view) + findings_html(view) +
            answers_html(view) + runs_html(view);
  return html + "</section>\n";
}

std::string route_text(const Course &course) {
  const Progress &progress = course.progress();
  return fmt::format("{} minutes, {} of {} steps{}{}", progress.minutes, course.route().size(),
                     course.steps().size(), progress.fast ? ", short runs" : "",
                     progress.pace < 1
                         ? fmt::format(", loads at {} % since the machine was busy",
                                       load::shown(load::rounded(100 * progress.pace)))
                         : "");
}

std::string head_html(const Course &course, const ReportFacts &facts,
                      const std::vector<View> &views) {
  const auto in_route_with = [&views](Standing standing) {
    return std::count_if(views.begin(), views.end(), [standing](const View &view) {
      return view.in_route && view.standing == standing;
    });
  };
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>Pool Strategy Lab: the path of {0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<h1>Pool Strategy Lab: the path of {0}</h1>\n<dl><dt>learner</dt><dd>{0}</dd>"
      "<dt>date</dt><dd>{2}</dd><dt>route</dt><dd>{3}</dd><dt>machine</dt><dd>{4}</dd>"
      "<dt>passed</dt><dd>{5} of {6}</dd></dl>\n",
      escaped(facts.learner), report_style, escaped(facts.date), escaped(route_text(course)),
      escaped(facts.machine), in_route_with(Standing::passed), course.route().size());
}

} // namespace

std::string html_report(const Course &course, const ReportFacts &facts) {
  std::vector<View> views;
  views.reserve(course.steps().size());
  for (const Step &step : course.steps())
    views.push_back(view_of(course, step));
  std::string html = head_html(course, facts, views) + "<main>\n" + summary_html(views);
  for (const View &view : views)
    html += step_html(view);
  return html + "</main>\n</body>\n</html>\n";
}

} // namespace lab::path
