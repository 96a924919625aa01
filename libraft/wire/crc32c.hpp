#pragma once

#include <cstdint>
#include <span>

namespace troupe::wire {

/// The CRC32C (Castagnoli) of `bytes`, as iSCSI, ext4 and SSE 4.2 compute it: "123456789" gives
/// 0xE3069283. What lies in several places is summed piece by piece: `so_far` is the sum of all
/// that stands before `bytes`.
std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t so_far = 0);

}  // namespace troupe::wire
