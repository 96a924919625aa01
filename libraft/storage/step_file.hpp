#pragma once

#include "storage/directory.hpp"
#include "storage/record.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace troupe::storage {

/// A file that is written from front to end and goes to the disk in steps as it grows. So other
/// syncs to this disk never wait for all of it. Internal to this layer.
class StepFile {
public:
  StepFile() = default;

  /// Creates `path`, or empties it.
  static Outcome<StepFile> create(const std::string& path);
  /// Goes on with `path` behind its first `size` bytes; the rest is cut off.
  static Outcome<StepFile> resume(const std::string& path, std::uint64_t size);

  /// Appends both, or none of them: after `no_space` the file is as it was, and may be appended to
  /// again. After any other error it is of no use.
  Problem append(Value first, Value second);
  /// Makes the file durable under the name `path` in the same directory, which takes the place of
  /// one of that name. Nothing may follow.
  Problem publish(const std::string& path);
  std::uint64_t size() const { return size_; }

private:
  StepFile(File file, std::string path, std::uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), size_(size), sent_(size), settled_(size) {}

  Problem sync_steps();

  File file_{};
  std::string path_{};
  std::uint64_t size_ = 0;
  std::uint64_t sent_ = 0;     ///< The disk was told to write up to here...
  std::uint64_t settled_ = 0;  ///< ...and has done so up to here.
};

}  // namespace troupe::storage
