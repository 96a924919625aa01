#include "storage/descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace troupe::storage {

namespace {

/// Something to hold a number with, also where /dev is missing.
int open_nothing(int flags) {
  const int fd = ::open("/dev/null", O_RDWR | flags);
  return fd >= 0 ? fd : ::open("/", O_PATH | flags);
}

}  // namespace

void open_standard_descriptors() {
  for (int fd = 0; fd < standard_descriptors; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
      continue;
    // The kernel gives the lowest free number, which is this one unless another thread took it.
    const int opened = open_nothing(0);
    if (opened >= standard_descriptors)
      ::close(opened);
  }
}

OccupiedDescriptors::OccupiedDescriptors() {
  while (count_ < occupied_.size()) {
    const int opened = open_nothing(O_CLOEXEC);
    if (opened >= standard_descriptors)
      ::close(opened);
    if (opened < 0 || opened >= standard_descriptors)
      return;
    occupied_[count_++] = opened;
  }
}

OccupiedDescriptors::~OccupiedDescriptors() {
  for (std::size_t i = 0; i < count_; ++i)
    ::close(occupied_[i]);
}

int above_standard_descriptors(int fd) {
  if (fd < 0 || fd >= standard_descriptors)
    return fd;
  const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, standard_descriptors);
  const int code = errno;
  ::close(fd);
  errno = code;
  return moved;
}

}  // namespace troupe::storage
