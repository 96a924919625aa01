#include "actors/transport/connection_slots.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

namespace troupe::actors {
namespace {

/// A client may be silent for so long after its hello: programs connect in order to ask something.
constexpr std::chrono::seconds silence_max{10};

/// Where places are short, so long must a client have said nothing to lose its own: one that never
/// asked, and one that did. A client library connects again by itself when it is next used.
constexpr std::chrono::seconds unasked_min{1};
constexpr std::chrono::seconds idle_min{10};

/// A hello follows its connection at once. Only a node whose threads are kept waiting reads it
/// later.
constexpr std::chrono::milliseconds hello_time{250};

}  // namespace

bool ConnectionSlots::has_free() const {
  const std::lock_guard lock(mutex_);
  return count(Kind::client) + count(Kind::stranger) < limits_.connections_max;
}

std::size_t ConnectionSlots::size() const {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

void ConnectionSlots::notice(Slot& slot, Clock::time_point now) const {
  if (!slot.used->exchange(false, std::memory_order_relaxed))
    return;
  slot.ever_used = true;
  slot.used_at = now;
}

void ConnectionSlots::change(Slot& slot, Kind kind) {
  if (slot.kind == Kind::stranger)
    stranger_left_.notify_one();
  --counts_[static_cast<std::size_t>(slot.kind)];
  ++counts_[static_cast<std::size_t>(kind)];
  slot.kind = kind;
}

void ConnectionSlots::remove(Slots::iterator slot, std::vector<caf::actor>& give_way) {
  if (auto connection = caf::actor_cast<caf::actor>(slot->second.connection))
    give_way.push_back(std::move(connection));
  if (slot->second.kind == Kind::client)
    if (const auto of = clients_of_.find(slot->second.source); --of->second == 0)
      clients_of_.erase(of);
  if (slot->second.kind == Kind::stranger)
    stranger_left_.notify_one();
  --counts_[static_cast<std::size_t>(slot->second.kind)];
  slots_.erase(slot);
}

/// One that has had time for its hello, if there is one; of those, one of the same source.
ConnectionSlots::Slots::iterator ConnectionSlots::stranger_to_go(const std::string& source,
                                                                 Clock::time_point now) {
  const auto rank = [&](const Slot& slot) {
    return std::tuple(now - slot.entered < hello_time, slot.source != source, slot.entered);
  };
  auto first = slots_.end();
  for (auto at = slots_.begin(); at != slots_.end(); ++at)
    if (at->second.kind == Kind::stranger
        && (first == slots_.end() || rank(at->second) < rank(first->second)))
      first = at;
  return first;
}

/// Of `source`, or of any: then of the source with the most clients.
ConnectionSlots::Slots::iterator ConnectionSlots::idle_client(const std::string* source,
                                                              Clock::time_point now) {
  auto idle = slots_.end();
  const auto rank = [&](const Slot& slot) {
    return std::pair(-static_cast<std::ptrdiff_t>(clients_of_.at(slot.source)), slot.used_at);
  };
  for (auto at = slots_.begin(); at != slots_.end(); ++at) {
    Slot& slot = at->second;
    if (slot.kind != Kind::client || (source != nullptr && slot.source != *source))
      continue;
    notice(slot, now);
    if (now - slot.used_at < (slot.ever_used ? idle_min : unasked_min))
      continue;
    if (idle == slots_.end() || rank(slot) < rank(idle->second))
      idle = at;
  }
  return idle;
}

bool ConnectionSlots::has_place_for_stranger() const {
  return count(Kind::stranger) + arriving_ < limits_.strangers_max;
}

void ConnectionSlots::await_place(const std::string& source, Clock::time_point now) {
  std::unique_lock lock(mutex_);
  if (!has_place_for_stranger()) {
    const auto first = stranger_to_go(source, now);
    const auto until =
        first == slots_.end() ? now + hello_time : first->second.entered + hello_time;
    stranger_left_.wait_for(lock, until - now, [&] { return has_place_for_stranger(); });
  }
  ++arriving_;
}

ConnectionSlots::Verdict ConnectionSlots::enter(const caf::actor& connection, std::string source,
                                                Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Verdict verdict;
  if (arriving_ > 0)
    --arriving_;
  if (count(Kind::stranger) >= limits_.strangers_max)
    if (const auto first = stranger_to_go(source, now); first != slots_.end())
      remove(first, verdict.give_way);
  Slot slot{.connection = caf::actor_cast<caf::actor_addr>(connection),
            .source = std::move(source),
            .kind = Kind::stranger,
            .used = std::make_shared<std::atomic<bool>>(false),
            .ever_used = false,
            .entered = now,
            .used_at = now};
  verdict.used = slot.used;
  slots_.emplace(connection.id(), std::move(slot));
  ++counts_[static_cast<std::size_t>(Kind::stranger)];
  return verdict;
}

ConnectionSlots::Verdict ConnectionSlots::admit(caf::actor_id connection, bool is_member,
                                                Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Verdict verdict;
  const auto found = slots_.find(connection);
  if (found == slots_.end()) {
    verdict.refusal = "it gave way to another";
    return verdict;
  }
  Slot& slot = found->second;
  slot.used_at = now;
  slot.used->store(false, std::memory_order_relaxed);
  if (is_member && count(Kind::node) < limits_.nodes_max) {
    change(slot, Kind::node);
    return verdict;
  }
  const auto of_source = clients_of_.find(slot.source);
  const bool source_is_full =
      of_source != clients_of_.end() && of_source->second >= limits_.per_source_max;
  if (source_is_full || count(Kind::client) >= limits_.connections_max) {
    const auto idle = idle_client(source_is_full ? &slot.source : nullptr, now);
    if (idle == slots_.end()) {
      verdict.refusal =
          source_is_full
              ? "connections_max of one source: " + std::to_string(limits_.per_source_max)
              : "connections_max: " + std::to_string(limits_.connections_max);
      return verdict;
    }
    remove(idle, verdict.give_way);
  }
  change(slot, Kind::client);
  ++clients_of_[slot.source];
  return verdict;
}

void ConnectionSlots::leave(caf::actor_id connection) {
  const std::lock_guard lock(mutex_);
  std::vector<caf::actor> gone;
  if (const auto slot = slots_.find(connection); slot != slots_.end())
    remove(slot, gone);
}

std::vector<caf::actor> ConnectionSlots::look(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  std::vector<caf::actor> silent;
  for (auto at = slots_.begin(); at != slots_.end();) {
    Slot& slot = at->second;
    const auto next = std::next(at);
    notice(slot, now);
    if (slot.kind == Kind::client && !slot.ever_used && now - slot.used_at >= silence_max)
      remove(at, silent);
    at = next;
  }
  return silent;
}

}  // namespace troupe::actors
