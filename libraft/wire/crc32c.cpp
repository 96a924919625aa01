#include "wire/crc32c.hpp"

#include "core/assert.hpp"

#include <isa-l.h>

#include <limits>

namespace troupe::wire {

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t so_far) {
  TROUPE_ASSERT(bytes.size() <= std::size_t{std::numeric_limits<int>::max()});
  if (bytes.empty())
    return so_far;
  // ISA-L leaves the register as it is; the standard inverts it at the start and at the end. It
  // only reads what it takes by a pointer to mutable bytes.
  auto* data = const_cast<unsigned char*>(bytes.data());
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~so_far);
}

}  // namespace troupe::wire
