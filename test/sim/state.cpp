#include "test/sim/state.hpp"

#include "core/assert.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace troupe::sim {

std::uint64_t mix(std::uint64_t digest, std::string_view bytes) {
  const std::size_t size = bytes.size();
  std::uint64_t word = 0;
  for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
    std::memcpy(&word, bytes.data(), sizeof word);
    digest = mix(digest, word);
  }
  if (!bytes.empty()) {
    word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    digest = mix(digest, word);
  }
  return mix(digest, size);
}

std::uint64_t chain(std::uint64_t digest, const Entry& entry) {
  digest = mix(digest, entry.id.term.value);
  digest = mix(digest, entry.id.index.value);
  digest = mix(digest, static_cast<std::uint64_t>(entry.kind));
  return mix(digest, entry.payload.text());
}

namespace {

/// Behind the letter and the number that each command begins with.
std::size_t end_of_number(std::string_view command) {
  std::size_t at = 1;
  while (at < command.size() && command[at] >= '0' && command[at] <= '9')
    ++at;
  return at;
}

}  // namespace

std::optional<MapCommand> map_command(std::string_view command) {
  const std::size_t at = end_of_number(command);
  if (at + 1 >= command.size() || (command[at] != '=' && command[at] != '-'))
    return std::nullopt;
  return MapCommand{.key = command[at + 1], .deletes = command[at] == '-'};
}

namespace {

std::uint64_t number_of(std::string_view command) {
  std::uint64_t number = 0;
  if (!command.empty())
    std::from_chars(command.data() + 1, command.data() + command.size(), number);
  return number;
}

}  // namespace

std::optional<std::uint64_t> counter_of(std::string_view command) {
  const std::size_t at = end_of_number(command);
  if (at >= command.size() || command[at] != '+')
    return std::nullopt;
  return number_of(command) / 2 % counters_count;
}

Effect effect_of(std::string_view command) {
  const std::uint64_t value = mix(empty_digest, command);
  if (const auto asked = map_command(command))
    return {.key = static_cast<std::uint64_t>(asked->key), .value = asked->deletes ? 0 : value};
  return {.key = number_of(command) % registers_count, .value = value};
}

std::uint64_t State::read(std::uint64_t key) const {
  if (key < registers_count)
    return registers[key];
  if (key >= first_counter_key)
    return tickets[key - first_counter_key];
  const auto found = values.find(static_cast<char>(key));
  return found == values.end() ? 0 : found->second.digest;
}

std::vector<Release> State::apply(const Entry& entry) {
  TROUPE_ASSERT(entry.id.index == next(applied));
  applied = entry.id.index;
  if (entry.kind != EntryKind::command)
    return {};
  const std::string_view text = entry.payload.text();
  if (const auto counter = counter_of(text)) {
    ++tickets[*counter];
    return {};
  }
  if (const auto asked = map_command(text))
    return apply(applied, *asked, text);
  const Effect effect = effect_of(text);
  registers[effect.key] = effect.value;
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
