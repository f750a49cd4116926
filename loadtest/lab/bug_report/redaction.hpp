// Takes out of a text what its reader need not know: passwords and what looks like
// one, and whose machine it is. When in doubt it takes out too much: a report that
// lacks a word is still of use.
//
// Two nets. What is known (the passwords that the lab itself uses) is taken out
// wherever it stands, in every form that it is written in. What only looks like a
// secret (`password=...`, `://USER:...@`, a token) is taken out by its look. [any thread]
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lab::cli {

class Redaction {
public:
  // A password, a token: becomes "(secret)".
  void secret(const std::string &value);

  // A folder's path becomes `shown`: "~", "$LAB_HOME".
  void folder(const std::filesystem::path &path, const std::string &shown);

  // Whole words: become "USER" and "HOST". Names that every machine has (root,
  // localhost) tell nothing and stay.
  void user(const std::string &name);
  void host(const std::string &name);

  std::string operator()(std::string text) const;

private:
  using Replacement = std::pair<std::string, std::string>;

  std::vector<std::string> secrets_; // in all their forms
  std::vector<Replacement> folders_;
  std::vector<Replacement> words_;
};

} // namespace lab::cli
