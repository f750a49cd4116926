#include "loadtest/lab/bug_report/looks_secret.hpp"

#include <algorithm>
#include <regex>
#include <vector>

namespace lab::cli {
namespace {

// A longer line tells nobody more, and regular expressions take long over it.
constexpr std::size_t longest_line = 2000;

struct Look {
  std::regex what;
  const char *by;
};

Look look(const std::string &what, const char *by) {
  return {std::regex(what, std::regex::icase | std::regex::optimize), by};
}

// A name that holds a secret, with what may stand behind it: PGPASSWORD, "api_token".
const char *const name_of_secret =
    R"(((?:passw(?:or)?d|\bpwd|passphrase|token|secret|credential|(?:api|access|private)[_-]?key))"
    R"([a-z0-9_-]*(?:\\?["'])?)";

// A quoted value ends at the line's last such quote: who knows how those in between
// were escaped. One that is cut off ends with the line.
const char *const quoted = R"('.*'|\\?".*"|'.*|\\?".*)";

std::vector<Look> secrets() {
  const std::string name = name_of_secret, in_quotes = quoted;
  return {
      // A line of a password file: HOST:PORT:DATABASE:USER:PASSWORD.
      look(R"(^\s*[^:\s]+:(\*|[0-9]{3,5}):[^:\s]+:[^:\s]+:.+$)", "(a line of a password file)"),
      look(R"(://[^\s:@/"']*:[^\s]*@)", "://USER:(secret)@"),
      look(R"((--[a-z-]*(?:password|passwd|token|secret|key)\s+)(?:'.*'|".*"|\S+))", "$1(secret)"),
      look(R"(((?:authorization|cookie)["']?\s*[=:]\s*).*)", "$1(secret)"),
      look(name + R"(\s*(?:=>|=)\s*)(?:)" + in_quotes + R"(|(?:\\.|[^\s,;&"'])+))", "$1(secret)"),
      look(name + R"(\s*:\s*)(?:)" + in_quotes + R"(|\S.*))", "$1(secret)"),
      look(R"((\bpassword\s+(?:for\s+\S+\s+)?[eu&]*)'.*')", "$1(secret)"), // SQL
      look(R"(\b(bearer)\s+[a-z0-9+/=_.~-]{8,})", "$1 (secret)"),
      look(R"(SCRAM-SHA-256\$\S+)", "(secret)"),
      look(R"(\bmd5[0-9a-f]{32}\b)", "(secret)"),
      // Tokens of well-known services.
      look(R"(\b(?:gh[opsur]_|github_pat_|glpat-|xox[abprs]-|sk-|AKIA)[a-z0-9_-]{12,})",
           "(secret)"),
      look(R"(\beyJ[a-z0-9_-]{8,}\.[a-z0-9_-]+(?:\.[a-z0-9_-]*)?)", "(secret)"),
  };
}

// Whose machine: but not sockets, this machine itself, and the lab's own roles.
std::vector<Look> owners() {
  return {
      look(R"(://(?!USER:|lab_)[^\s:@/"'?]+@)", "://USER@"),
      look(R"((postgres(?:ql)?://(?:[^\s@/"']*@)?))"
           R"((?!localhost|127\.|\[::1\]|[^\s/"']*@)[^\s/:?"',@]+)",
           "$1HOST"),
      look(R"(\b(user\s*=\s*)(?!'?lab_)(?:'[^']*'|[^\s'"&]+))", "$1USER"),
      look(R"(\b(host(?:addr)?\s*=\s*)(?!'?(?:/|@|localhost|127\.|::1|\$|~))(?:'[^']*'|[^\s'"&]+))",
           "$1HOST"),
      look(R"((/home/|/Users/)[^/\s"':;,]+)", "$1USER"),
  };
}

const std::vector<Look> &looks() {
  static const std::vector<Look> all = [] {
    std::vector<Look> both = secrets();
    for (Look &one : owners())
      both.push_back(std::move(one));
    return both;
  }();
  return all;
}

} // namespace

std::string without_what_looks_secret(const std::string &text) {
  std::string out;
  bool in_a_key = false;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    std::string line = text.substr(from, end - from);
    from = end + 1;
    if (line.size() > longest_line)
      line = line.substr(0, longest_line) + " ...";
    in_a_key = in_a_key || line.find("-----BEGIN ") != std::string::npos;
    if (in_a_key) {
      in_a_key = line.find("-----END ") == std::string::npos;
      line = "(secret)";
    }
    for (const Look &one : looks())
      line = std::regex_replace(line, one.what, one.by);
    out += line;
    if (end < text.size())
      out += '\n';
  }
  return out;
}

} // namespace lab::cli
