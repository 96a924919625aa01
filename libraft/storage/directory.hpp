#pragma once

#include "core/assert.hpp"
#include "storage/descriptors.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace troupe::storage {

/// An open file; closes it. Its number is never that of standard input, output or error.
class File {
public:
  File() = default;
  explicit File(int fd) : fd_(fd) { TROUPE_ASSERT(fd < 0 || fd >= standard_descriptors); }
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

private:
  int fd_ = -1;
};

/// Opens `path` with `flags`, close-on-exec, and creates it for its owner alone where they say so.
/// Not open, and `errno`, if that fails. Where we may write, a symbolic link in the place of the
/// file is an error (ELOOP): it could lead to any file of ours.
File open_directly(const std::string& path, int flags);
/// Likewise, with an error that names `path`.
Outcome<File> open_file(const std::string& path, int flags);

/// The start of the file, as much as there is, `bytes_max` at most.
Outcome<std::string> read_start(const std::string& path, const File& file, std::size_t bytes_max);

/// The file of LMDB below `directory`.
std::string data_file(const std::string& directory);

/// LMDB's table of readers below `directory`.
std::string lock_file(const std::string& directory);

/// The size of the file, 0 if there is none.
std::uint64_t file_bytes(const std::string& path);

/// All of `bytes`, at `offset` of the file, which errors call `path`.
[[nodiscard]] std::optional<StoreError> write_all(const File& file, const std::string& path,
                                                  std::span<const std::uint8_t> bytes,
                                                  std::uint64_t offset);

/// Makes the names in `directory` durable, and its own name.
[[nodiscard]] std::optional<StoreError> sync_directory(const std::string& directory);

/// Creates `directory` for its owner alone, with all that is missing above it. Each is durable in
/// the one above it.
[[nodiscard]] std::optional<StoreError> create_private_directories(const std::string& directory);

/// An error if a user other than ours and root can write to `directory`. Such a user could replace
/// any file in it, or put a link in its place.
[[nodiscard]] std::optional<StoreError> refuse_if_others_can_write(const std::string& directory);

/// Takes the directory for this process until the file is closed, creating it if need be. The
/// kernel lets go of the lock when the process dies, however it dies. `LOCK` names the holder.
/// Refuses a directory that others can write.
Outcome<File> lock_directory(const std::string& directory);

/// Whether a process holds the lock of `lock_directory`, as far as we may find out: one whose lock
/// cannot be read counts as held.
bool is_locked(const std::string& directory);

/// The error of a call that set `errno` to `code`.
StoreError system_error(const std::string& path, const std::string& what, int code);

}  // namespace troupe::storage
