#include "storage/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace troupe::storage {

namespace fs = std::filesystem;

namespace {

constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;
/// A process identifier, and more.
constexpr std::size_t holder_bytes_max = 16;

std::string lock_path(const std::string& directory) {
  return directory + "/LOCK";
}

std::optional<StoreError> sync_path(const std::string& path) {
  auto opened = open_file(path, O_RDONLY | O_DIRECTORY);
  if (auto* error = std::get_if<StoreError>(&opened))
    return *error;
  if (::fsync(std::get<File>(opened).fd()) != 0)
    return system_error(path, "sync", errno);
  return std::nullopt;
}

std::optional<StoreError> make_directory(const fs::path& directory) {
  std::error_code failure;
  if (fs::is_directory(directory, failure))
    return std::nullopt;
  const fs::path above = directory.parent_path();
  if (above != directory && !fs::exists(above, failure))
    if (auto problem = make_directory(above))
      return problem;
  if (::mkdir(directory.c_str(), directory_mode) == 0)
    return sync_path(above.string());
  // Somebody else may have been faster; a trailing slash names what is there already.
  const int code = errno;
  return fs::is_directory(directory, failure)
             ? std::nullopt
             : std::optional(system_error(directory.string(), "create", code));
}

}  // namespace

File::~File() {
  if (fd_ >= 0)
    ::close(fd_);
}

File open_directly(const std::string& path, int flags) {
  const bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | (writes ? O_NOFOLLOW : 0), file_mode);
  return File(above_standard_descriptors(fd));
}

StoreError system_error(const std::string& path, const std::string& what, int code) {
  // EFBIG: a limit of the process or the file system; as good as full.
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  const std::string why = code == ELOOP ? "it is a symbolic link, which a store does not follow"
                                        : std::generic_category().message(code);
  return {full ? StoreError::Kind::no_space : StoreError::Kind::io,
          path + ": " + what + ": " + why};
}

Outcome<File> open_file(const std::string& path, int flags) {
  File file = open_directly(path, flags);
  if (!file.is_open())
    return system_error(path, "open", errno);
  return file;
}

Outcome<std::string> read_start(const std::string& path, const File& file, std::size_t bytes_max) {
  std::string bytes(bytes_max, '\0');
  ssize_t size = 0;
  do
    size = ::pread(file.fd(), bytes.data(), bytes.size(), 0);
  while (size < 0 && errno == EINTR);
  if (size < 0)
    return system_error(path, "read", errno);
  bytes.resize(static_cast<std::size_t>(size));
  return bytes;
}

std::string data_file(const std::string& directory) {
  return directory + "/data.mdb";
}

std::string lock_file(const std::string& directory) {
  return directory + "/lock.mdb";
}

std::uint64_t file_bytes(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

std::optional<StoreError> write_all(const File& file, const std::string& path,
                                    std::span<const std::uint8_t> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pwrite(file.fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return system_error(path, "write", count < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return std::nullopt;
}

std::optional<StoreError> sync_directory(const std::string& directory) {
  if (auto error = sync_path(directory))
    return error;
  const fs::path itself = (fs::absolute(directory) / ".").lexically_normal().parent_path();
  return sync_path(itself.parent_path().string());
}

std::optional<StoreError> create_private_directories(const std::string& directory) {
  return make_directory(fs::absolute(directory).lexically_normal());
}

std::optional<StoreError> refuse_if_others_can_write(const std::string& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0)
    return system_error(directory, "look at", errno);
  if (status.st_uid != ::geteuid() && status.st_uid != 0)
    return StoreError{StoreError::Kind::io, "data: " + directory + " belongs to user "
                                                + std::to_string(status.st_uid)
                                                + ", who can write to it; choose another"};
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return StoreError{StoreError::Kind::io,
                      "data: others can write to " + directory + "; chmod go-w, or choose another"};
  return std::nullopt;
}

Outcome<File> lock_directory(const std::string& directory) {
  if (auto problem = create_private_directories(directory))
    return *problem;
  if (auto problem = refuse_if_others_can_write(directory))
    return *problem;
  const std::string path = lock_path(directory);
  auto opened = open_file(path, O_RDWR | O_CREAT);
  if (std::holds_alternative<StoreError>(opened))
    return opened;

  const File& file = std::get<File>(opened);
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return system_error(path, "lock", errno);
    const auto read = read_start(path, file, holder_bytes_max);
    const auto* holder = std::get_if<std::string>(&read);
    const bool is_known = holder != nullptr && !holder->empty();
    return StoreError{
        StoreError::Kind::locked,
        directory + " is in use by " + (is_known ? "process " + *holder : "another process")};
  }
  // For humans only. A full disk must not keep a node from starting.
  const std::string pid = std::to_string(::getpid());
  [[maybe_unused]] const bool written =
      ::ftruncate(file.fd(), 0) == 0 && ::pwrite(file.fd(), pid.data(), pid.size(), 0) > 0;
  return opened;
}

bool is_locked(const std::string& directory) {
  const File file = open_directly(lock_path(directory), O_RDONLY | O_NONBLOCK);
  if (!file.is_open())
    return errno != ENOENT;
  return ::flock(file.fd(), LOCK_SH | LOCK_NB) != 0;
}

}  // namespace troupe::storage
