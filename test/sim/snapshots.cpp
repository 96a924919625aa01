#include "test/sim/snapshots.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace troupe::sim {

namespace {

using Numbers = std::vector<std::uint64_t>;

std::uint64_t hash_of(const std::string& bytes) {
  return mix(empty_digest, bytes);
}

}  // namespace

std::string save(const State& state, std::size_t padding, std::uint64_t salt) {
  Numbers numbers{state.applied.value, state.commands, state.digest, state.values.size()};
  numbers.insert(numbers.end(), state.registers.begin(), state.registers.end());
  numbers.insert(numbers.end(), state.tickets.begin(), state.tickets.end());
  for (const auto& [key, value] : state.values)
    numbers.insert(numbers.end(),
                   {static_cast<std::uint64_t>(key), value.set_by.value, value.digest});
  std::string bytes(numbers.size() * sizeof(std::uint64_t), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  const std::size_t head = bytes.size();
  // Whole words, the last of which may be too long.
  bytes.resize(head + padding + sizeof(std::uint64_t));
  for (std::size_t at = 0; at < padding; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mix(salt, at);
    std::memcpy(bytes.data() + head + at, &word, sizeof word);
  }
  bytes.resize(head + padding);
  return bytes;
}

std::optional<State> load(const std::string& bytes) {
  Numbers numbers(bytes.size() / sizeof(std::uint64_t));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(std::uint64_t));
  constexpr std::size_t head = 4 + registers_count + counters_count;
  if (numbers.size() < head || (numbers.size() - head) / 3 < numbers[3])
    return std::nullopt;
  State state{.applied = {numbers[0]}, .commands = numbers[1], .digest = numbers[2]};
  std::copy_n(numbers.begin() + 4, registers_count, state.registers.begin());
  std::copy_n(numbers.begin() + 4 + registers_count, counters_count, state.tickets.begin());
  for (std::size_t i = 0; i < numbers[3]; ++i) {
    const std::uint64_t* value = &numbers[head + 3 * i];
    state.values[static_cast<char>(value[0])] = {.set_by = {value[1]}, .digest = value[2]};
  }
  return state;
}

SnapshotHead Snapshots::finish(const SnapshotPlace& place, std::string bytes) {
  SnapshotHead head{.place = place, .size_bytes = bytes.size(), .hash = hash_of(bytes)};
  finished_.push_back({head, std::move(bytes)});
  return head;
}

Snapshots::Receipt Snapshots::receive(const ChunkToStore& chunk) {
  if (find(chunk.head.id()) != nullptr && is_sound(chunk.head.id()))
    return {.upto = chunk.head.size_bytes};
  if (!receiving_ || receiving_->head != chunk.head)
    receiving_ = Stored{.head = chunk.head};
  std::string& bytes = receiving_->bytes;
  if (chunk.offset == bytes.size())
    bytes += chunk.data.text();
  if (bytes.size() < chunk.head.size_bytes)
    return {.upto = bytes.size()};
  Stored whole = *std::exchange(receiving_, std::nullopt);
  if (hash_of(whole.bytes) != whole.head.hash)
    return {.corrupt = true};
  std::erase_if(finished_, [&](const Stored& other) { return other.head.id() == whole.head.id(); });
  finished_.push_back(std::move(whole));
  return {.upto = chunk.head.size_bytes};
}

const std::string* Snapshots::find(const SnapshotId& id) const {
  const auto found =
      std::ranges::find(finished_, id, [](const Stored& stored) { return stored.head.id(); });
  return found == finished_.end() ? nullptr : &found->bytes;
}

Snapshots::Stored* Snapshots::stored(const SnapshotId& id) {
  const auto found =
      std::ranges::find(finished_, id, [](const Stored& stored) { return stored.head.id(); });
  return found == finished_.end() ? nullptr : &*found;
}

bool Snapshots::is_sound(const SnapshotId& id) const {
  const std::string* bytes = find(id);
  return bytes != nullptr && hash_of(*bytes) == id.hash;
}

void Snapshots::forget_before(const SnapshotId& id) {
  std::erase_if(finished_,
                [&](const Stored& stored) { return stored.head.place.id.index < id.last.index; });
}

void Snapshots::crash(Dice& dice) {
  if (receiving_)
    receiving_->bytes.resize(dice.below(receiving_->bytes.size() + 1));
}

bool Snapshots::damage(const SnapshotId& id, Dice& dice) {
  Stored* const found = stored(id);
  if (found == nullptr)
    return false;
  if (dice.permille(300))
    std::erase_if(finished_, [&](const Stored& other) { return other.head.id() == id; });
  else
    found->bytes[dice.below(found->bytes.size())] ^= 1;
  return true;
}

bool Snapshots::damage_received(Dice& dice) {
  if (received() == 0)
    return false;
  receiving_->bytes[dice.below(receiving_->bytes.size())] ^= 1;
  return true;
}

}  // namespace troupe::sim
