#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::actors {

/// *error*: a human must act. *warning*: a human may want to know. *info*: a role or
/// configuration changed. *debug*: the rest.
enum class LogLevel : std::uint8_t { off = 0, error = 1, warning = 2, info = 3, debug = 4 };

/// `key=value`. A value with blanks, quotes or control characters is quoted and escaped: what came
/// from outside can't forge a line.
struct LogField {
  LogField(std::string_view field_key, std::string_view field_value)
      : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, std::integral auto number)
      : key(field_key), value(std::to_string(number)) {}

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

/// Writes one line to stderr: time, level, the fields (peer and term first), `event` and what it is
/// about. Thread-safe. Where fields are costly to make, ask `log_enabled` first.
///
///   log(LogLevel::info, "became_leader", {{"peer", name}, {"term", term.value}});
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

/// The line without time and level, as `log` writes it.
std::string log_text(std::string_view event, std::initializer_list<LogField> fields);

}  // namespace troupe::actors
