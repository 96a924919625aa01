#include "examples/demo/progress_bar.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace demo {
namespace {

constexpr std::size_t width = 30;
constexpr auto redraw_interval = std::chrono::milliseconds(50);

}  // namespace

ProgressBar::ProgressBar(std::string label, std::size_t total)
    : label_(std::move(label)), total_(total), terminal_(isatty(STDOUT_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  draw();
  std::printf("\n");
  std::fflush(stdout);
}

void ProgressBar::show(std::size_t done) {
  done_ = done;
  if (!terminal_ || Clock::now() - drawn_ < redraw_interval)
    return;
  drawn_ = Clock::now();
  draw();
}

void ProgressBar::draw() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  const std::size_t filled = total_ == 0 ? width : width * done_ / total_;
  std::string bar(filled, '=');
  bar.resize(width, ' ');
  if (filled < width)
    bar[filled] = '>';
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0.0;
  std::printf("%s  %-10s [%s] %3zu%%  %zu/%zu  %.0f/s", terminal_ ? "\r" : "", label_.c_str(),
              bar.c_str(), total_ == 0 ? 100 : 100 * done_ / total_, done_, total_, rate);
  if (!terminal_)
    return;
  // Blanks in place of what the line before said.
  if (rate > 0 && done_ < total_)
    std::printf("  %.0f s left  ", std::ceil(static_cast<double>(total_ - done_) / rate));
  else
    std::printf("%14s", "");
  std::fflush(stdout);
}

}  // namespace demo
