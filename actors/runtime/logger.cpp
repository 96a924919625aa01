#include "actors/runtime/logger.hpp"

#include "actors/runtime/line_writer.hpp"
#include "actors/runtime/log_limit.hpp"
#include "core/assertion_report.hpp"

#include <spdlog/pattern_formatter.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace troupe::actors {

namespace {

std::atomic<LogLevel> threshold{LogLevel::warning};

constexpr std::array<std::string_view, 5> level_names{"off", "error", "warning", "info", "debug"};

constexpr std::array<spdlog::level::level_enum, 5> spdlog_levels{
    spdlog::level::off, spdlog::level::err, spdlog::level::warn, spdlog::level::info,
    spdlog::level::debug};

/// Where all lines of the process meet.
class Log {
public:
  using Clock = LineWriter::Clock;

  void write(LogLevel level, std::string_view event, std::span<const LogField> fields) {
    const Clock::time_point now = Clock::now();
    std::optional<Clock::time_point> deadline;
    {
      const std::lock_guard lock(mutex_);
      if (!limit_.admit(event, now))
        deadline = limit_.deadline();
    }
    if (deadline)
      writer_.write_at(*deadline);
    else
      writer_.write(line(level, log_text(event, fields)));
  }
  void print(std::string_view text) { writer_.write(std::string(text) + "\n"); }
  void flush() { writer_.flush(last_lines_patience); }

private:
  std::string line(LogLevel level, std::string_view text) {
    const std::lock_guard lock(format_mutex_);
    spdlog::memory_buf_t formatted;
    format_.format(spdlog::details::log_msg(spdlog::string_view_t(),
                                            spdlog_levels[static_cast<std::size_t>(level)],
                                            spdlog::string_view_t(text.data(), text.size())),
                   formatted);
    return {formatted.data(), formatted.size()};
  }

  std::vector<std::string> suppressed(Clock::time_point now) {
    std::vector<LogLimit::Suppressed> all;
    {
      const std::lock_guard lock(mutex_);
      all = limit_.take(now);
    }
    std::vector<std::string> lines;
    lines.reserve(all.size());
    for (const LogLimit::Suppressed& each : all)
      lines.push_back(
          line(LogLevel::warning,
               log_text("log_lines_suppressed", {{"of", each.event}, {"lines", each.lines}})));
    return lines;
  }

  std::mutex mutex_{};
  LogLimit limit_{};
  std::mutex format_mutex_{};
  spdlog::pattern_formatter format_{"time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                                    spdlog::pattern_time_type::utc};
  LineWriter writer_{
      {.fd = STDERR_FILENO,
       .about_dropped =
           [this](std::uint64_t lines) {
             return line(LogLevel::warning, log_text("log_lines_dropped", {{"lines", lines}}));
           },
       .due = [this](Clock::time_point now) { return suppressed(now); }}};
};

/// Never destroyed: an actor may log while the process's statics go, and the thread of the log may
/// be blocked when the process exits.
Log& process_log() {
  static Log* const log = [] {
    static Log* const made = new Log;
    std::atexit([] { made->flush(); });
    return made;
  }();
  return *log;
}

/// What led to a broken invariant is in the queue, and nobody may read stderr.
void report_broken_invariant(const char* text) {
  process_log().print(text);
  process_log().flush();
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || std::ranges::any_of(value, [](char c) {
           return !is_plain(c) || c == ' ' || c == '"' || c == '=' || c == '\\';
         });
}

std::string clipped(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view mark = "...";
  if (text.size() <= bytes_max)
    return std::string(text);
  return std::string(text.substr(0, bytes_max - mark.size())).append(mark);
}

void append_escaped(std::string& line, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (!is_plain(c)) {
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

LogField::LogField(std::string_view field_key, std::string_view field_value)
    : key(field_key), value(clipped(field_value, outside_text_bytes_max)) {}

LogField LogField::own(std::string_view field_key, std::string_view field_value) {
  LogField field(field_key, std::string_view());
  field.value = clipped(field_value, own_text_bytes_max);
  return field;
}

void set_log_level(LogLevel level) {
  threshold = level;
  report_assertions_by(report_broken_invariant);
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

std::string log_text(std::string_view event, std::span<const LogField> fields) {
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
  log_fields(level, event, std::span(fields.begin(), fields.size()));
}

void log_fields(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  if (log_enabled(level))
    process_log().write(level, event, fields);
}

void print_error(std::string_view text) {
  process_log().print(text);
}

}  // namespace troupe::actors
