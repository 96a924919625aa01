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

inline constexpr const char* witness_of_store = "WITNESS";
inline constexpr const char* witness_of_journal = "WITNESS.journal";

/// What stands in `WITNESS`, beside LMDB's file: the number of a transaction that was
/// acknowledged; in `WITNESS.journal` that of a record of the journal. LMDB goes back to the
/// transaction before when the newest of its two meta pages is damaged, and an older copy of its
/// file looks as sound as the newest; this says that they are old.
///
/// Written after each commit and not synced: it may lag behind after a power cut, but never leads.
class Witness {
public:
  /// Requires: the directory is locked by us.
  static Outcome<Witness> open(const std::string& directory, const char* name = witness_of_store);

  /// 0 if nothing was acknowledged, or if nobody knows.
  std::uint64_t acknowledged() const { return acknowledged_; }

  /// Fails where the disk does; what was committed is, all the same. A full disk is no failure:
  /// what stood there goes on to be true.
  [[nodiscard]] std::optional<StoreError> acknowledge(std::uint64_t number);

private:
  Witness(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_{};
  File file_{};
  std::uint64_t acknowledged_ = 0;
};

/// What a witness would know, without creating one.
Outcome<std::uint64_t> read_witness(const std::string& directory,
                                    const char* name = witness_of_store);

/// The error of a call that set `errno` to `code`.
StoreError system_error(const std::string& path, const std::string& what, int code);

}  // namespace troupe::storage
