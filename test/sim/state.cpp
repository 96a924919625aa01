#include "test/sim/state.hpp"

#include "core/assert.hpp"

namespace troupe::sim {

namespace {

constexpr std::uint64_t fnv_prime = 0x100000001B3u;

}  // namespace

std::uint64_t mix(std::uint64_t digest, std::string_view bytes) {
  for (const char c : bytes)
    digest = (digest ^ static_cast<unsigned char>(c)) * fnv_prime;
  return mix(digest, bytes.size());
}

std::uint64_t mix(std::uint64_t digest, std::uint64_t number) {
  // One multiplication for eight bytes is not FNV any more, but as good for telling runs apart.
  const std::uint64_t product = (digest ^ number) * 0x9E3779B97F4A7C15u;
  return product ^ (product >> 29);
}

std::uint64_t chain(std::uint64_t digest, const Entry& entry) {
  digest = mix(digest, entry.id.term.value);
  digest = mix(digest, entry.id.index.value);
  digest = mix(digest, static_cast<std::uint64_t>(entry.kind));
  return mix(digest, entry.payload.text());
}

void State::apply(const Entry& entry) {
  TROUPE_ASSERT(entry.id.index == next(applied));
  applied = entry.id.index;
  if (entry.kind != EntryKind::command)
    return;
  ++commands;
  digest = mix(digest, entry.payload.text());
}

}  // namespace troupe::sim
