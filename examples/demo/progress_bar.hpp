#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace demo {

/// "  loading   [=======>      ]  41%  14200/34924  21300/s  1 s left". Redraws itself on a
/// terminal; elsewhere it prints one line when it is done.
class ProgressBar {
public:
  ProgressBar(std::string label, std::size_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(std::size_t done);

private:
  using Clock = std::chrono::steady_clock;
  void draw() const;

  std::string label_;
  std::size_t total_;
  std::size_t done_ = 0;
  bool terminal_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point drawn_{};
};

}  // namespace demo
