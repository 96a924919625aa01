#include "test/sim/explorer/digest.hpp"

#include "test/sim/state.hpp"

#include <cstddef>
#include <optional>
#include <variant>

namespace troupe::sim {

namespace {

using sim::mix;

std::uint64_t mix(std::uint64_t digest, EntryId id) {
  return mix(mix(digest, id.term.value), id.index.value);
}

std::uint64_t mix(std::uint64_t digest, const Entry& entry) {
  digest = mix(mix(digest, entry.id), static_cast<std::uint64_t>(entry.kind));
  return mix(digest, entry.payload.text());
}

std::uint64_t mix(std::uint64_t digest, const HardState& state) {
  return mix(mix(mix(digest, state.term.value), state.voted_for.value), state.set_back ? 1 : 0);
}

std::uint64_t mix(std::uint64_t digest, const Configuration& configuration) {
  for (const auto* set : {&configuration.voters, &configuration.old_voters, &configuration.learners,
                          &configuration.standbys}) {
    for (const Member& member : *set)
      digest = mix(digest, member.id.value);
    digest = mix(digest, set->size());
  }
  return digest;
}

std::uint64_t mix(std::uint64_t digest, std::optional<Index> index) {
  return mix(digest, index ? index->value + 1 : 0);
}

std::uint64_t mix(std::uint64_t digest, const Log& log) {
  digest = mix(digest, log.before());
  for (Index i = log.first(); i <= log.last().index; i = next(i))
    digest = mix(digest, log.at(i));
  return digest;
}

std::uint64_t mix(std::uint64_t digest, const Progress& progress) {
  digest = mix(mix(digest, progress.match().value), progress.next().value);
  digest = mix(digest, static_cast<std::uint64_t>(progress.pace()));
  digest = mix(mix(digest, progress.in_flight_bytes()), progress.is_set_back() ? 1 : 0);
  // In a window without limits, only a probe that waits for its answer keeps it from sending.
  const Progress::Window unlimited{.bytes_max = SIZE_MAX, .messages_max = SIZE_MAX};
  return mix(digest, progress.may_send(unlimited) ? 1 : 0);
}

struct BodyDigest {
  std::uint64_t operator()(const PreVoteRequest& request) const { return mix(from, request.last); }
  std::uint64_t operator()(const PreVoteResponse& response) const {
    return mix(mix(from, response.asked.value), response.granted ? 1 : 0);
  }
  std::uint64_t operator()(const VoteRequest& request) const {
    return mix(mix(from, request.last), request.transfer ? 1 : 0);
  }
  std::uint64_t operator()(const VoteResponse& response) const {
    return mix(from, response.granted ? 1 : 0);
  }
  std::uint64_t operator()(const AppendRequest& request) const {
    std::uint64_t digest = mix(mix(from, request.previous), request.commit.value);
    for (const Entry& entry : request.entries)
      digest = mix(digest, entry);
    return digest;
  }
  std::uint64_t operator()(const AppendResponse& response) const {
    if (const auto* accepted = std::get_if<Accepted>(&response.verdict))
      return mix(from, accepted->matched.value);
    const auto& rejected = std::get<Rejected>(response.verdict);
    return mix(mix(mix(from, 1), rejected.previous), rejected.hint);
  }
  std::uint64_t operator()(const auto&) const { return from; }

  std::uint64_t from = empty_digest;
};

}  // namespace

std::uint64_t digest_of(const Message& message) {
  std::uint64_t digest = mix(empty_digest, message.body.index());
  digest = mix(mix(digest, message.from.value), message.to.value);
  digest = mix(digest, message.term.value);
  return std::visit(BodyDigest{digest}, message.body);
}

std::uint64_t digest_of(const Recovered& disk) {
  std::uint64_t digest = mix(mix(empty_digest, disk.hard_state), disk.before);
  for (const Entry& entry : disk.entries)
    digest = mix(digest, entry);
  return digest;
}

template <class State>
std::uint64_t EngineDigest::of_role(std::uint64_t digest, const State& state) {
  if constexpr (requires { state.votes; }) {
    for (const auto& [peer, granted] : state.votes)
      digest = mix(mix(digest, peer.value), granted ? 1 : 0);
  } else if constexpr (requires { state.followers; }) {
    for (const auto& [peer, progress] : state.followers)
      digest = mix(mix(digest, peer.value), progress);
    digest = mix(mix(digest, state.term_start.value), state.transfer_to.value);
    digest = mix(digest, state.asleep ? 1 : 0);
    if (state.change)
      digest = mix(mix(digest, state.change->target), state.change->origin);
    for (const auto& departing : state.followers.departing())
      digest = mix(digest, departing.first.value);
  } else {
    digest = mix(mix(digest, state.leader.value), state.agreed.value);
    digest = mix(digest, state.quiet ? 1 : 0);
  }
  return digest;
}

std::uint64_t EngineDigest::of(const Engine& engine) {
  std::uint64_t digest = mix(mix(empty_digest, engine.hard_state_), engine.log_);
  for (const auto& [index, configuration] : engine.configurations_.in_log())
    digest = mix(mix(digest, index.value), configuration);
  digest = mix(mix(digest, engine.commit_.value), engine.applied_.value);
  digest = mix(mix(digest, engine.writes_.persisted_.value), engine.writes_.handed_.value);
  digest = mix(digest, static_cast<std::uint64_t>(engine.role_));
  digest = std::visit([&](const auto& state) { return of_role(digest, state); }, engine.state_);

  // Writes are numbered from the start of each life; all that matters is which are on their way.
  const WriteQueue& writes = engine.writes_;
  const std::uint64_t done = writes.done_.value;
  digest = mix(digest, writes.taken_.value - done);
  digest = mix(digest, writes.hard_state_changed_ ? 1 : 0);
  digest = mix(digest, writes.truncated_from_);
  for (const auto& write : writes.under_way_)
    digest = mix(mix(mix(digest, write.id.value - done), write.last), write.hard_state);
  for (const auto& promise : engine.outbox_.promises_)
    digest = mix(mix(digest, promise.write.value - done), digest_of(promise.message));
  return digest;
}

}  // namespace troupe::sim
