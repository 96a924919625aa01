#include "actors/logger.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

namespace troupe::actors {

namespace {

std::atomic<LogLevel> threshold{LogLevel::warning};

constexpr std::array<std::string_view, 5> level_names{"off", "error", "warning", "info", "debug"};

constexpr std::array<spdlog::level::level_enum, 5> spdlog_levels{
    spdlog::level::off, spdlog::level::err, spdlog::level::warn, spdlog::level::info,
    spdlog::level::debug};

/// Never destroyed: an actor may log while the process's statics go.
spdlog::logger& stderr_logger() {
  static spdlog::logger* const logger = [] {
    auto made = std::make_unique<spdlog::logger>("troupe",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_level(spdlog::level::trace);
    made->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    made->flush_on(spdlog::level::trace);
    return made.release();
  }();
  return *logger;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || std::ranges::any_of(value, [](char c) {
           return is_control(c) || c == ' ' || c == '"' || c == '=' || c == '\\';
         });
}

void append_escaped(std::string& line, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (is_control(c)) {
    const auto byte = static_cast<unsigned char>(c);
    line += "\\x";
    line += digits[byte >> 4];
    line += digits[byte & 0xf];
    return;
  }
  if (c == '"' || c == '\\')
    line += '\\';
  line += c;
}

void append_value(std::string& line, std::string_view value) {
  if (!needs_quotes(value)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value)
    append_escaped(line, c);
  line += '"';
}

}  // namespace

void set_log_level(LogLevel level) {
  threshold = level;
}

LogLevel log_level() {
  return threshold;
}

std::optional<LogLevel> parse_log_level(std::string_view name) {
  const auto found = std::ranges::find(level_names, name);
  if (found == level_names.end())
    return std::nullopt;
  return static_cast<LogLevel>(found - level_names.begin());
}

std::string log_text(std::string_view event, std::initializer_list<LogField> fields) {
  std::string line;
  for (const LogField& field : fields) {
    line += field.key;
    line += '=';
    append_value(line, field.value);
    line += ' ';
  }
  line += "event=";
  append_value(line, event);
  return line;
}

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (log_enabled(level))
    stderr_logger().log(spdlog_levels[static_cast<std::size_t>(level)], log_text(event, fields));
}

}  // namespace troupe::actors
