#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::actors {

/// *error*: a human must act. *warning*: a human may want to know. *info*: a role or
/// configuration changed. *debug*: the rest.
enum class LogLevel : std::uint8_t { off = 0, error = 1, warning = 2, info = 3, debug = 4 };

/// Text from outside enters the log up to this size.
inline constexpr std::size_t outside_text_bytes_max = 64;
/// Text of our own, such as the error of a disk with the path of its file.
inline constexpr std::size_t own_text_bytes_max = 1024;

/// `key=value`. A value with blanks, quotes or bytes that are no printable ASCII is quoted and
/// escaped: what came from outside can't forge a line. Longer text is clipped and ends with "...".
struct LogField {
  /// Text that may have come from outside.
  LogField(std::string_view field_key, std::string_view field_value);
  LogField(std::string_view field_key, std::integral auto number)
      : key(field_key), value(std::to_string(number)) {}
  /// Text that this program wrote or checked, which may be longer.
  static LogField own(std::string_view field_key, std::string_view field_value);

  std::string_view key;
  std::string value;
};

/// Of the whole process; `warning` until set. Thread-safe.
void set_log_level(LogLevel level);
LogLevel log_level();
inline bool log_enabled(LogLevel level) {
  return level <= log_level() && level != LogLevel::off;
}

/// "debug" to `LogLevel::debug`.
std::optional<LogLevel> parse_log_level(std::string_view name);

/// Puts one line into the queue for stderr: time, level, the fields (peer and term first), `event`
/// and what it is about. Never waits for the reader of stderr: see `LineWriter`. Of one event at
/// most `LogLimit::lines_max` lines a second are written, the rest is counted. Thread-safe. Where
/// fields are costly to make, ask `log_enabled` first.
///
///   log(LogLevel::info, "became_leader", {{"peer", name}, {"term", term.value}});
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// The same, where the fields are not known beforehand.
void log_fields(LogLevel level, std::string_view event, std::span<const LogField> fields);

/// A line for people on stderr, through the same queue: "error: ...". Not limited.
void print_error(std::string_view text);

/// The line without time and level, as `log` writes it.
std::string log_text(std::string_view event, std::span<const LogField> fields);
inline std::string log_text(std::string_view event, std::initializer_list<LogField> fields) {
  return log_text(event, std::span(fields.begin(), fields.size()));
}

}  // namespace troupe::actors
