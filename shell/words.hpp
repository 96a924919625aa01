#pragma once

#include "core/refusal.hpp"
#include "machine/kind.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::shell {

using machine::Words;

/// The longest text that is split at once: the commands of a line, with what their quotes hold.
inline constexpr std::size_t commands_bytes_max = std::size_t{4} << 20;

/// Splits text into commands, each into its words, while the text still comes.
///
/// Commands end at a newline or `;`, words at blanks. Quotes and backslashes mean what they mean to
/// a POSIX shell: quotes reach over newlines, and a backslash before a newline joins two lines.
/// $'...' holds any bytes: \n, \t and its like, \xff, \377. A `#` that starts a word starts a
/// comment. Empty commands are left out.
class Splitter {
public:
  void add(std::string_view text);

  /// Whether the text ends in the middle of something, so that the next line belongs to it.
  bool is_open() const;

  /// All commands since the last call. The text ends here: the next one begins on its own.
  ///
  /// Refuses `invalid`, with what is wrong and its line as detail, if a quote is not closed or
  /// nothing follows a backslash. Then none of the commands should be executed: we can't know where
  /// they end. Refuses `too_large`, with the limit, beyond `commands_bytes_max`; quotes are
  /// followed nevertheless, so that nothing inside of one becomes a command.
  Result<std::vector<Words>> take();

private:
  enum class State {
    plain,
    escape,         ///< Behind a backslash.
    dollar,         ///< Behind a dollar sign, which a quote may follow.
    single_quoted,  ///< '...'
    double_quoted,  ///< "..."
    double_escape,
    ansi_quoted,  ///< $'...'
    ansi_escape,
    ansi_number,  ///< In the digits of \xff or \377.
    comment,
  };

  void read(char c);
  void read_plain(char c);
  void read_escape(char c);
  void read_double_escape(char c);
  void read_ansi_escape(char c);
  void read_ansi_number(char c);
  void end_ansi_number();
  void open(State quote);
  void append(char c);
  void end_word();
  void end_command();
  std::string problem() const;

  State state_ = State::plain;
  std::size_t line_ = 1;
  std::size_t opened_in_ = 0;          ///< The line of what is open.
  bool joined_ = false;                ///< A backslash joined the line before to this one.
  std::size_t size_ = 0;               ///< Bytes since the last `take`.
  std::optional<std::string> word_{};  ///< None between words; an empty one is `''`.
  Words words_{};
  std::vector<Words> commands_{};
  unsigned number_ = 0;
  int base_ = 0;
  int digits_left_ = 0;
};

/// The commands of a whole text, as `Splitter` reads it.
Result<std::vector<Words>> split(std::string_view text);

}  // namespace troupe::shell
