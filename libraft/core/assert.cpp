#include "core/assert.hpp"

#include "core/assertion_report.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace troupe {

namespace {

constexpr int text_bytes_max = 1024;

void print_to_stderr(const char* text) {
  std::fprintf(stderr, "%s\n", text);
}

std::atomic<void (*)(const char*)> report{print_to_stderr};

}  // namespace

void assertion_failed(const char* expression, const char* file, int line) {
  std::array<char, text_bytes_max> text{};
  std::snprintf(text.data(), text.size(), "%s:%d: broken invariant: %s", file, line, expression);
  // A second failure, in what reports the first, goes the plain way.
  report.exchange(print_to_stderr)(text.data());
  std::abort();
}

void report_assertions_by(void (*print)(const char* text)) {
  report = print;
}

}  // namespace troupe
