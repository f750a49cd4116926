// Brings what the learner saves in my/settings.toml into force in one host. It may have
// no way into $LAB_WORK, so what it needs is handed over: by PUT /api/v1/settings
// while it runs, in $LAB_HOME/settings.json for its next start. [one thread]
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "loadtest/lab/file_stamp.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {

class SettingsWatch {
public:
  SettingsWatch(const Places &places, int host);

  // Looks at the file, and hands over what is new in it. A file counts when two
  // looks running have seen it the same, for an editor may write it in pieces.
  // Call it some times a second: file events don't come from every file system.
  void look(const HostApi &host);

  // The same at once: before others are told that a new host serves, and before
  // something is stated by name, which a save from before must not drop.
  void look_at_once(const HostApi &host);

  // What is wrong with the file, and that it changed nothing; one line, or "".
  const std::string &problem() const { return problem_; }

private:
  // What a look has to do: nothing; compare with what the host has, for nobody
  // saved; or bring into force what was saved.
  enum class Due { nothing, compare, saved };

  void hand_over(const HostApi &host, const FileStamp &file);
  void record(const nlohmann::json &in_force) const;

  const Places places_;
  const int host_; // 0: the first, whose stated settings are the ones that `up` restores
  FileStamp seen_; // the file at the last look
  std::optional<FileStamp> taken_;  // the file as it is in force, or refused
  std::optional<FileStamp> builds_; // the folder of the learner's strategies, likewise
  Due due_ = Due::compare;
  std::string problem_;
};

} // namespace lab::cli
