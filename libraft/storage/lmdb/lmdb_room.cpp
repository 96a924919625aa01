#include "storage/lmdb/lmdb_room.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

namespace troupe::storage {

namespace {

/// A step of growth: an eighth of what there is, between these. Each costs a transaction that is
/// begun again, and what is reserved is not anybody else's.
constexpr std::uint64_t growth_min = std::uint64_t{1} << 20;
constexpr std::uint64_t growth_max = std::uint64_t{64} << 20;
/// Less than this is not worth a step.
constexpr std::uint64_t growth_last = std::uint64_t{64} << 10;

/// What a file system needs to note down what it has reserved, and what is left to others.
constexpr std::uint64_t margin_bytes = std::uint64_t{256} << 10;

/// A disk with less than this free counts as full when a write has failed.
constexpr std::uint64_t free_bytes_min = std::uint64_t{1} << 20;

constexpr std::uint64_t lock_file_bytes = std::uint64_t{16} << 10;

constexpr std::uint64_t unlimited = ~std::uint64_t{0};

/// How large this process may make a file.
std::uint64_t size_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return unlimited;
  return limit.rlim_cur;
}

std::uint64_t free_bytes(const File& file) {
  struct statvfs status {};
  return ::fstatvfs(file.fd(), &status) == 0 ? std::uint64_t{status.f_bavail} * status.f_frsize
                                             : unlimited;
}

/// What the file has of the disk already.
std::uint64_t allocated_bytes(const File& file) {
  struct stat status {};
  constexpr std::uint64_t unit = 512;
  return ::fstat(file.fd(), &status) == 0 ? static_cast<std::uint64_t>(status.st_blocks) * unit : 0;
}

/// Reserves disk for the bytes from `from` to `upto`, without changing the file's size. On a full
/// XFS this fails even if they are reserved already: it takes what it may need before it looks.
int allocate(const File& file, std::uint64_t from, std::uint64_t upto) {
  int code = 0;
  do
    code = ::fallocate(file.fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                       static_cast<off_t>(upto - from))
                   == 0
               ? 0
               : errno;
  while (code == EINTR);
  return code;
}

}  // namespace

Problem Room::open(MDB_env* environment) {
  environment_ = environment;
  open_ = open_directly(file_, O_RDWR);
  if (!open_.is_open())
    return system_error(file_, "open", errno);
  // What is in use may have gaps: pages that were taken and given back before they were written.
  const std::uint64_t needed = needed_bytes(environment);
  if (reserve(needed) != 0)
    reserved_ = needed;
  // As much as the process before us had, if there is no more.
  const std::uint64_t allocated = allocated_bytes(open_);
  if (grow(kept_from(Use::more) + growth_min) != 0 && allocated > reserved_ + growth_last)
      [[maybe_unused]]
    const int code = reserve(allocated - growth_last);
  if (const int code = limit(Use::more))
    return lmdb_error(file_, {}, code);
  return std::nullopt;
}

int Room::grow(std::uint64_t wanted) {
  const std::uint64_t step = std::clamp(reserved_ / 8, growth_min, growth_max);
  for (std::uint64_t bytes = std::max(step, wanted); bytes >= growth_last; bytes /= 2) {
    if (reserve(reserved_ + bytes) == 0)
      return 0;
  }
  return ENOSPC;
}

int Room::reserve(std::uint64_t upto) {
  if (upto > size_limit())
    return ENOSPC;
  // Asked first: a file system that runs out of space in the midst keeps what it had got.
  const std::uint64_t present = can_reserve_ ? allocated_bytes(open_) : reserved_;
  const std::uint64_t missing = upto > present ? upto - present : 0;
  const std::uint64_t margin = can_reserve_ ? margin_bytes : head_room_ + margin_bytes;
  if (missing > 0 && free_bytes(open_) < missing + margin)
    return ENOSPC;
  int code = can_reserve_ ? allocate(open_, reserved_, upto) : 0;
  if (code == ENOSPC && missing == 0)
    code = 0;
  if (code == EOPNOTSUPP || code == ENOSYS || code == EINVAL)
    can_reserve_ = false;
  else if (code != 0)
    return ENOSPC;
  reserved_ = upto;
  return 0;
}

/// How much of what is reserved is not for this use.
std::uint64_t Room::kept_from(Use use) const {
  switch (use) {
    case Use::more:
      return head_room_ + head_room_ / 2;
    case Use::last:
      return head_room_;
    case Use::less:
      break;
  }
  return 0;
}

bool Room::has_room(std::uint64_t used, std::uint64_t more) {
  const std::uint64_t wanted = used + more + kept_from(Use::more) + growth_min;
  return reserved_ >= wanted || reserve(wanted) == 0;
}

int Room::limit(Use use) {
  constexpr std::uint64_t page_bytes = 4096;
  const std::uint64_t kept = kept_from(use);
  const std::uint64_t bytes = reserved_ - std::min(reserved_, kept);
  // LMDB takes what it has in use for the least.
  const std::uint64_t whole = std::max(bytes / page_bytes, std::uint64_t{1}) * page_bytes;
  return mdb_env_set_mapsize(environment_, static_cast<std::size_t>(whole));
}

bool Room::is_disk_full() const {
  return free_bytes(open_) < free_bytes_min || reserved_ > size_limit();
}

Problem reserve_lock_file(const std::string& directory) {
  const std::string path = lock_file(directory);
  const File file = open_directly(path, O_RDWR | O_CREAT);
  if (!file.is_open())
    return system_error(path, "open", errno);
  if (allocated_bytes(file) >= lock_file_bytes)
    return std::nullopt;
  const int code = allocate(file, 0, lock_file_bytes);
  if (code != 0 && code != EOPNOTSUPP && code != ENOSYS && code != EINVAL)
    return system_error(path, "reserve", code);
  return std::nullopt;
}

}  // namespace troupe::storage
