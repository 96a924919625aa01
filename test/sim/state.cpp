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

std::optional<MapCommand> map_command(std::string_view command) {
  const std::size_t at = command.find_first_of("=-");
  if (at == std::string_view::npos || at + 1 >= command.size())
    return std::nullopt;
  return MapCommand{.key = command[at + 1], .deletes = command[at] == '-'};
}

std::vector<Release> State::apply(const Entry& entry) {
  TROUPE_ASSERT(entry.id.index == next(applied));
  applied = entry.id.index;
  if (entry.kind != EntryKind::command)
    return {};
  const std::string_view text = entry.payload.text();
  if (const auto asked = map_command(text))
    return apply(applied, *asked, text);
  ++commands;
  digest = mix(digest, text);
  return {};
}

std::vector<Release> State::apply(Index index, const MapCommand& asked, std::string_view text) {
  std::vector<Release> releases;
  const auto found = values.find(asked.key);
  if (found != values.end())
    releases.push_back({.by = index, .entry = found->second.set_by});
  if (!asked.deletes) {
    values[asked.key] = {.set_by = index, .digest = mix(empty_digest, text)};
    return releases;
  }
  if (found != values.end())
    values.erase(found);
  releases.push_back({.by = index, .entry = index});
  return releases;
}

}  // namespace troupe::sim
