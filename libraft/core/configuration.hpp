#pragma once

#include "core/flat_map.hpp"
#include "core/types.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One peer as its cluster knows it. The id is who it is; the name is what
/// people call it; the address is where it was last told to be.
struct Member {
  PeerId id{};
  std::string name{};     ///< Unique in a configuration: "peer1".
  std::string address{};  ///< "host:port" of its node.
  friend bool operator==(const Member&, const Member&) = default;
};

/// "peer1@127.0.0.1:4001", as users write it.
std::string full_name(const Member& member);

/// How many voters a cluster keeps by itself: a leader has a learner or a standby vote where there
/// are fewer, or where one was not heard for a while.
struct VoterPolicy {
  std::uint32_t count = 0;  ///< 0: it leaves that to people.
  /// A voter that was not heard for so long has its vote taken over, and is a standby from then on.
  /// Far above an election timeout: each replacement copies a log. Above 0 unless `count` is 0.
  Duration after{};
  friend bool operator==(const VoterPolicy&, const VoterPolicy&) = default;
};

/// Members in one configuration, in all its sets together.
inline constexpr std::size_t configuration_members_max = 1024;

/// The voters, learners and standbys of a cluster. In force as soon as it is in the log, committed
/// or not (§4.1). While `old_voters` is not empty the configuration is *joint*:
/// every decision needs a majority of both sets (§4.3).
///
/// Members are kept sorted by id, so that equal configurations are equal bytes.
struct Configuration {
  std::vector<Member> voters{};
  std::vector<Member> old_voters{};
  std::vector<Member> learners{};  ///< Hold the log and do not count.
  /// Hold nothing: they hear who leads and answer that they live, so that one of them can take the
  /// place of a voter.
  std::vector<Member> standbys{};
  VoterPolicy keep{};
  friend bool operator==(const Configuration&, const Configuration&) = default;

  bool empty() const { return voters.empty(); }
  bool is_joint() const { return !old_voters.empty(); }
  bool has_voter(PeerId id) const;   ///< In either set of voters.
  bool has_member(PeerId id) const;  ///< In any set.
  bool keeps_log(PeerId id) const;   ///< Voter or learner: it is sent the log.
  const Member* find(PeerId id) const;
  const Member* find(const std::string& name) const;
  /// Every member once, sorted by id.
  std::vector<Member> members() const;
};

/// Sorts the members, so that the same sets are the same value.
Configuration normalized(Configuration configuration);

/// The largest of `values` that a majority of them reaches. Requires: some. Leaves them in another
/// order.
template <class Value>
Value majority_value(std::span<Value> values) {
  // As many as a majority lie at or above the middle, or the lower one of two.
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// So many voters are counted without memory of their own: leaders count at every turn.
inline constexpr std::size_t few_voters = 8;

/// The largest value that a majority of `voters` has reached; `reached(id)` tells how far one came.
/// An empty set of voters imposes nothing: it answers `most`, so that a joint quorum is the minimum
/// of its halves.
template <class Value, class Reached>
Value majority_value(const std::vector<Member>& voters, Value most, const Reached& reached) {
  if (voters.empty())
    return most;
  const auto value_of = [&](const Member& voter) { return reached(voter.id); };
  if (voters.size() <= few_voters) {
    std::array<Value, few_voters> values{};
    std::ranges::transform(voters, values.begin(), value_of);
    return majority_value(std::span(values).first(voters.size()));
  }
  std::vector<Value> values(voters.size());
  std::ranges::transform(voters, values.begin(), value_of);
  return majority_value(std::span(values));
}

/// The largest value that a quorum of `configuration` has reached (§3.6.2, §4.3).
template <class Value, class Reached>
Value quorum_value(const Configuration& configuration, Value most, const Reached& reached) {
  return std::min(majority_value(configuration.voters, most, reached),
                  majority_value(configuration.old_voters, most, reached));
}

/// Whether more than half of `voters` are among those of whom `is_one(id)` is true.
template <class IsOne>
bool has_majority(const std::vector<Member>& voters, const IsOne& is_one) {
  const auto count =
      std::ranges::count_if(voters, [&](const Member& voter) { return is_one(voter.id); });
  return voters.empty() || 2 * static_cast<std::size_t>(count) > voters.size();
}

/// Whether a quorum of `configuration` is (§4.3).
template <class IsOne>
bool has_quorum(const Configuration& configuration, const IsOne& is_one) {
  return has_majority(configuration.voters, is_one)
         && has_majority(configuration.old_voters, is_one);
}

/// The same of indexes by peer, 0 where none is named.
Index majority_index(const std::vector<Member>& voters, const PeerMap<Index>& reached);
Index quorum_index(const Configuration& configuration, const PeerMap<Index>& reached);

/// What became of a vote so far.
enum class Tally : std::uint8_t { pending, won, lost };

/// Counts `votes` (true: granted) in `configuration`. Each peer counts once and
/// only if it is a voter; in a joint configuration both majorities are needed.
Tally tally(const Configuration& configuration, const std::map<PeerId, bool>& votes);

/// Configurations travel and are stored as entries; the engine reads them with
/// this codec, so that it needs no other room. The format is versioned:
/// one byte 2, then each set as u32 count and members as u64 id, u32-prefixed name
/// and address, then the policy as u32 count and u64 microseconds; little endian.
std::string encode(const Configuration& configuration);
/// `nullopt` if `bytes` is not a configuration to the last byte.
std::optional<Configuration> decode_configuration(std::string_view bytes);

}  // namespace troupe
