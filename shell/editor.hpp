#pragma once

#include "shell/completion.hpp"
#include "shell/input.hpp"
#include "shell/signals.hpp"

#include <functional>
#include <memory>
#include <string>

namespace troupe::shell {

struct EditorOptions {
  std::string prompt{};
  std::string history_file{};  ///< Empty: lines are remembered for this run only.
  /// Asked when Tab is pressed.
  std::function<Vocabulary()> vocabulary{};
  /// Asked from time to time while nobody types; false ends the input.
  std::function<bool()> may_go_on{};
};

/// Lines that are typed at a terminal: with editing, history and completion.
class Editor {
public:
  Editor(EditorOptions options, Signals& signals);
  ~Editor();
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;

  /// The next line. One that `continues` the last line gets another prompt.
  Line next(bool continues);

private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Where lines are remembered between runs: below $XDG_STATE_HOME or ~/.local/state. Empty if
/// there is no such place.
std::string history_file();

}  // namespace troupe::shell
