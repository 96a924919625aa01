/// Preloaded into a process, writes down what it asks of the files below TROUPE_RECORD_DIR, for
/// power_cut.py to find out what a power cut may leave of it. With TROUPE_IGNORE_SYNCS set nothing
/// is ever synced, nor noted as if it were: the disk that lies, which no store survives.
///
/// A process that asks for the size of a disk by its name hears of a small one: so a journal is
/// small, and begins anew often enough for that to be recorded.
///
/// The record is a row of these, in the file TROUPE_RECORD_FILE; a sync is noted when it begins and
/// when it has ended, everything else when it is done.

#include <dlfcn.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>
#include <vector>

namespace {

enum class Kind : std::uint32_t {
  create = 1,
  write = 2,
  sync_begins = 3,
  sync_ends = 4,
  resize = 5,
  rename = 6,
  remove = 7,
  directory = 8,
};

struct Head {
  Kind kind{};
  std::uint32_t path_bytes = 0;
  std::uint64_t nanoseconds = 0;  ///< By CLOCK_MONOTONIC.
  std::uint64_t offset = 0;       ///< Of a write; the size of what is resized.
  std::uint64_t data_bytes = 0;   ///< Behind the path; of a rename the new name.
  std::uint64_t number = 0;       ///< Of a sync: its end has that of its beginning.
};

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool ignores_syncs() {
  return std::getenv("TROUPE_IGNORE_SYNCS") != nullptr;
}

/// The files that are looked at, by descriptor. Empty: any other.
constexpr int fds_max = 4096;
constexpr std::uint64_t disk_bytes = std::uint64_t{4} << 20;

struct Recorder {
  std::recursive_mutex mutex{};
  std::array<std::string, fds_max> paths{};
  std::array<bool, fds_max> synced{};  ///< Each write is synced (O_DSYNC).
  std::string directory{};
  int file = -1;
  std::uint64_t syncs = 0;

  Recorder() {
    const char* below = std::getenv("TROUPE_RECORD_DIR");
    const char* to = std::getenv("TROUPE_RECORD_FILE");
    if (below == nullptr)
      return;
    directory = below;
    if (to != nullptr)
      file = real<int (*)(const char*, int, ...)>("open")(
          to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }

  bool looks_at(const char* path) const {
    return !directory.empty() && std::strncmp(path, directory.c_str(), directory.size()) == 0;
  }
  std::string path_of(int fd) const {
    return fd >= 0 && fd < fds_max ? paths[static_cast<std::size_t>(fd)] : std::string{};
  }
  std::uint64_t note(Kind kind, const std::string& path, std::uint64_t offset, const void* data,
                     std::uint64_t bytes, std::uint64_t number = 0) {
    if (file < 0)
      return 0;
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (number == 0)
      number = ++syncs;
    const Head head{
        kind,
        static_cast<std::uint32_t>(path.size()),
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u
            + static_cast<std::uint64_t>(now.tv_nsec),
        offset,
        bytes,
        number,
    };
    const std::array<iovec, 3> parts{{{const_cast<Head*>(&head), sizeof(head)},
                                      {const_cast<char*>(path.data()), path.size()},
                                      {const_cast<void*>(data), bytes}}};
    static const auto writev = real<ssize_t (*)(int, const iovec*, int)>("writev");
    if (writev(file, parts.data(), static_cast<int>(parts.size())) < 0)
      std::abort();  // A record with a gap proves nothing.
    return number;
  }
};

Recorder& recorder() {
  static Recorder* const one = new Recorder;  // Outlives all that still writes at the end.
  return *one;
}

using Lock = std::lock_guard<std::recursive_mutex>;

/// What was opened at `fd` as `path`.
int opened(int fd, const char* path, int flags, bool was_there) {
  Recorder& to = recorder();
  if (fd < 0 || fd >= fds_max)
    return fd;
  const Lock lock(to.mutex);
  const auto at = static_cast<std::size_t>(fd);
  to.paths[at].clear();
  if (!to.looks_at(path))
    return fd;
  to.paths[at] = path;
  to.synced[at] = (flags & O_DSYNC) != 0;
  if (!was_there)
    to.note(Kind::create, path, 0, nullptr, 0);
  else if ((flags & O_TRUNC) != 0)
    to.note(Kind::resize, path, 0, nullptr, 0);
  return fd;
}

int open_as(const char* function, const char* path, int flags, mode_t mode) {
  const auto open = real<int (*)(const char*, int, ...)>(function);
  Recorder& to = recorder();
  if (!to.looks_at(path))
    return opened(open(path, flags, mode), path, flags, true);
  const Lock lock(to.mutex);
  const bool was_there = access(path, F_OK) == 0;
  const int passed = ignores_syncs() ? flags & ~(O_SYNC | O_DSYNC) : flags;
  return opened(open(path, passed, mode), path, passed, was_there);
}

/// The write that `task` makes is noted when it is done. One at a time: the record is in order.
template <class Task>
ssize_t write_noted(int fd, std::uint64_t offset, const void* data, Task task) {
  Recorder& to = recorder();
  const std::string path = to.path_of(fd);
  if (path.empty())
    return task();
  const Lock lock(to.mutex);
  const bool synced = to.synced[static_cast<std::size_t>(fd)];
  const std::uint64_t number =
      synced ? to.note(Kind::sync_begins, path, 0, nullptr, 0) : std::uint64_t{0};
  const ssize_t written = task();
  if (written <= 0)
    return written;
  to.note(Kind::write, path, offset, data, static_cast<std::uint64_t>(written));
  if (synced)  // Of this write alone, unlike fdatasync: says so with its extent.
    to.note(Kind::sync_ends, path, offset, nullptr, 0, number);
  return written;
}

int sync_as(const char* function, int fd) {
  const auto sync = real<int (*)(int)>(function);
  Recorder& to = recorder();
  const std::string path = to.path_of(fd);
  if (path.empty())
    return ignores_syncs() && !to.directory.empty() ? 0 : sync(fd);
  if (ignores_syncs())
    return 0;
  std::uint64_t number = 0;
  {
    const Lock lock(to.mutex);
    number = to.note(Kind::sync_begins, path, 0, nullptr, 0);
  }
  const int result = sync(fd);
  const Lock lock(to.mutex);
  if (result == 0)
    to.note(Kind::sync_ends, path, ~std::uint64_t{0}, nullptr, 0, number);
  return result;
}

std::string gathered(const iovec* parts, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i)
    bytes.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return bytes;
}

std::uint64_t position(int fd) {
  return static_cast<std::uint64_t>(lseek(fd, 0, SEEK_CUR));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_as("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_as("open64", path, flags, mode);
}

int close(int fd) {
  static const auto close = real<int (*)(int)>("close");
  if (fd >= 0 && fd < fds_max && !recorder().directory.empty()) {
    const Lock lock(recorder().mutex);
    recorder().paths[static_cast<std::size_t>(fd)].clear();
  }
  return close(fd);
}

ssize_t write(int fd, const void* data, size_t bytes) {
  static const auto write = real<ssize_t (*)(int, const void*, size_t)>("write");
  if (recorder().path_of(fd).empty())
    return write(fd, data, bytes);
  const std::uint64_t at = position(fd);
  return write_noted(fd, at, data, [&] { return write(fd, data, bytes); });
}

ssize_t writev(int fd, const iovec* parts, int count) {
  static const auto writev = real<ssize_t (*)(int, const iovec*, int)>("writev");
  if (recorder().path_of(fd).empty())
    return writev(fd, parts, count);
  const std::uint64_t at = position(fd);
  const std::string bytes = gathered(parts, count);
  return write_noted(fd, at, bytes.data(), [&] { return writev(fd, parts, count); });
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  static const auto pwrite = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return write_noted(fd, static_cast<std::uint64_t>(offset), data,
                     [&] { return pwrite(fd, data, bytes, offset); });
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t offset) {
  return pwrite(fd, data, bytes, offset);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  static const auto pwritev = real<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  const std::string bytes = gathered(parts, count);
  return write_noted(fd, static_cast<std::uint64_t>(offset), bytes.data(),
                     [&] { return pwritev(fd, parts, count, offset); });
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

int fsync(int fd) {
  return sync_as("fsync", fd);
}

int fdatasync(int fd) {
  return sync_as("fdatasync", fd);
}

int ftruncate(int fd, off_t size) noexcept {
  static const auto ftruncate = real<int (*)(int, off_t)>("ftruncate");
  Recorder& to = recorder();
  const std::string path = to.path_of(fd);
  if (path.empty())
    return ftruncate(fd, size);
  const Lock lock(to.mutex);
  const int result = ftruncate(fd, size);
  if (result == 0)
    to.note(Kind::resize, path, static_cast<std::uint64_t>(size), nullptr, 0);
  return result;
}

int ftruncate64(int fd, off64_t size) noexcept {
  return ftruncate(fd, size);
}

int statvfs(const char* path, struct statvfs* status) noexcept {
  static const auto statvfs = real<int (*)(const char*, struct statvfs*)>("statvfs");
  const int result = statvfs(path, status);
  if (result == 0 && recorder().looks_at(path))
    status->f_bavail = std::min<fsblkcnt_t>(status->f_bavail, disk_bytes / status->f_frsize);
  return result;
}

int rename(const char* from, const char* to) noexcept {
  static const auto rename = real<int (*)(const char*, const char*)>("rename");
  if (!recorder().looks_at(from))
    return rename(from, to);
  const Lock lock(recorder().mutex);
  const int result = rename(from, to);
  if (result == 0)
    recorder().note(Kind::rename, from, 0, to, std::strlen(to));
  for (std::string& path : recorder().paths)
    if (result == 0 && path == from)
      path = to;
  return result;
}

int unlink(const char* path) noexcept {
  static const auto unlink = real<int (*)(const char*)>("unlink");
  const Lock lock(recorder().mutex);
  const int result = unlink(path);
  if (result == 0 && recorder().looks_at(path))
    recorder().note(Kind::remove, path, 0, nullptr, 0);
  return result;
}

int remove(const char* path) noexcept {
  static const auto remove = real<int (*)(const char*)>("remove");
  const Lock lock(recorder().mutex);
  const int result = remove(path);
  if (result == 0 && recorder().looks_at(path))
    recorder().note(Kind::remove, path, 0, nullptr, 0);
  return result;
}

int mkdir(const char* path, mode_t mode) noexcept {
  static const auto mkdir = real<int (*)(const char*, mode_t)>("mkdir");
  const Lock lock(recorder().mutex);
  const int result = mkdir(path, mode);
  if (result == 0 && recorder().looks_at(path))
    recorder().note(Kind::directory, path, 0, nullptr, 0);
  return result;
}

}  // extern "C"
