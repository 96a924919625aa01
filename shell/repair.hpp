#pragma once

#include "core/configuration.hpp"
#include "core/engine.hpp"
#include "core/output.hpp"
#include "core/types.hpp"
#include "shell/reply.hpp"
#include "storage/store.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::shell {

/// A peer that is to go on without its cluster: what its store holds, and nobody else knows.
struct Survivor {
  storage::PeerRecord record{};
  HardState hard_state{};
  EntryId last{};                 ///< Where its log ends.
  Configuration configuration{};  ///< In force.
  Index configuration_index{};
};

/// Requires `recovered` as a store gave it back.
Survivor survivor_of(storage::PeerRecord record, const Recovered& recovered);

/// What a look around found out about another member.
struct Sighting {
  enum class State : std::uint8_t {
    silent,    ///< Nobody answers at its address.
    stranger,  ///< A node answers, and has no such peer; or one that lost its store.
    stopped,   ///< Its node has it, and does not run it.
    running,
  };
  Member member{};
  State state = State::silent;
  // If it runs.
  EntryId last{};
  std::string leader{};  ///< The peer that it takes for the leader; empty if none.
  Configuration configuration{};
  Index configuration_index{};

  bool has_its_log() const { return state == State::stopped || state == State::running; }
};

struct Question {
  std::string address{};
  wire::Request request{};
};
/// Asks all at the same time; a response for each, in their order.
using AskNodes = std::function<std::vector<wire::Response>(const std::vector<Question>&)>;

/// Looks for all other members of the survivor's configuration, and for those that a member with a
/// newer configuration names.
std::vector<Sighting> look_around(const Survivor& survivor, const AskNodes& ask);

/// Why the survivor must not be made a cluster of its own, or nothing: because a quorum lives that
/// can go on without any repair, or because another survivor knows more. `even_if_behind` passes
/// over the latter.
std::optional<Failure> refusal_to_force(const Survivor& survivor,
                                        const std::vector<Sighting>& sightings,
                                        bool even_if_behind);

/// What makes the survivor a cluster of its own: a configuration of it alone behind the end of its
/// log, in a term above all that it has seen, and another cluster's id, so that what comes back of
/// the old one is refused by both sides (§4.4).
Write forced_write(const Survivor& survivor, ClusterId cluster);

/// What there is, for people, in lines.
std::string report(const Survivor& survivor, const std::vector<Sighting>& sightings);

/// "3/17": term and index.
std::string text_of(EntryId id);

/// "p2@127.0.0.1:4002 silent"
std::string text_of(const Sighting& sighting);

}  // namespace troupe::shell
