#pragma once

#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace troupe::storage {

/// An open file; closes it.
class File {
public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
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

/// The file of LMDB below `directory`.
std::string data_file(const std::string& directory);

/// The size of the file, 0 if there is none.
std::uint64_t file_bytes(const std::string& path);

/// All of `bytes`, at `offset` of the file, which errors call `path`.
[[nodiscard]] std::optional<StoreError> write_all(const File& file, const std::string& path,
                                                  std::span<const std::uint8_t> bytes,
                                                  std::uint64_t offset);

/// Makes the names in `directory` durable, and its own name.
[[nodiscard]] std::optional<StoreError> sync_directory(const std::string& directory);

/// Takes the directory for this process until the file is closed, creating it if need be. The
/// kernel lets go of the lock when the process dies, however it dies. `LOCK` names the holder.
Outcome<File> lock_directory(const std::string& directory);

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
