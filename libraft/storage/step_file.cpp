#include "storage/step_file.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace troupe::storage {

namespace {

/// How much the disk is given at a time, and so how long another's sync may wait for us.
constexpr std::uint64_t step_bytes = std::uint64_t{8} << 20;

/// What stays free on the disk for the logs: a snapshot can wait for room, they cannot.
constexpr std::uint64_t head_room_bytes = std::uint64_t{16} << 20;

StoreError no_room(const std::string& path) {
  return {StoreError::Kind::no_space, path + ": less than " + std::to_string(head_room_bytes >> 20)
                                          + " MiB are free on the disk"};
}

bool leaves_head_room(int fd, std::uint64_t bytes) {
  struct statvfs status {};
  return ::fstatvfs(fd, &status) != 0
         || std::uint64_t{status.f_bavail} * status.f_frsize >= head_room_bytes + bytes;
}

/// Does `flags` with the bytes from `from` to `to`. A file system that knows no steps does it all
/// at the end.
Problem sync_range(const File& file, const std::string& path, std::uint64_t from, std::uint64_t to,
                   unsigned flags) {
  if (from == to
      || ::sync_file_range(file.fd(), static_cast<off64_t>(from), static_cast<off64_t>(to - from),
                           flags)
             == 0)
    return std::nullopt;
  const int code = errno;
  if (code == EINVAL || code == ENOSYS || code == ESPIPE || code == EOPNOTSUPP)
    return std::nullopt;
  // Also for want of space: what was appended before may be lost.
  return StoreError{StoreError::Kind::io, system_error(path, "sync", code).text};
}

}  // namespace

Outcome<StepFile> StepFile::create(const std::string& path) {
  File file = open_directly(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!file.is_open())
    return system_error(path, "create", errno);
  return StepFile(std::move(file), path, 0);
}

Outcome<StepFile> StepFile::resume(const std::string& path, std::uint64_t size) {
  File file = open_directly(path, O_RDWR);
  if (!file.is_open() || ::ftruncate(file.fd(), static_cast<off_t>(size)) != 0)
    return system_error(path, "resume", errno);
  return StepFile(std::move(file), path, size);
}

Problem StepFile::append(Value first, Value second) {
  if (!leaves_head_room(file_.fd(), first.size() + second.size()))
    return no_room(path_);
  Problem problem = write_all(file_, path_, first, size_);
  if (!problem)
    problem = write_all(file_, path_, second, size_ + first.size());
  if (problem) {
    if (::ftruncate(file_.fd(), static_cast<off_t>(size_)) != 0)
      problem->kind = StoreError::Kind::io;
    return problem;
  }
  size_ += first.size() + second.size();
  return sync_steps();
}

/// Two steps at most are on their way: the disk has always something to do, and never much.
Problem StepFile::sync_steps() {
  if (size_ - sent_ < step_bytes)
    return std::nullopt;
  constexpr unsigned settle =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  if (auto problem = sync_range(file_, path_, sent_, size_, SYNC_FILE_RANGE_WRITE))
    return problem;
  if (auto problem = sync_range(file_, path_, settled_, sent_, settle))
    return problem;
  settled_ = sent_;
  sent_ = size_;
  return std::nullopt;
}

Problem StepFile::publish(const std::string& path) {
  // Whole and durable before it has its name: a crash leaves one or none.
  if (::fdatasync(file_.fd()) != 0)
    return StoreError{StoreError::Kind::io, system_error(path_, "sync", errno).text};
  if (::rename(path_.c_str(), path.c_str()) != 0)
    return system_error(path, "rename", errno);
  return sync_directory(std::filesystem::path(path).parent_path().string());
}

}  // namespace troupe::storage
