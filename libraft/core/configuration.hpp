#pragma once

#include "core/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
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

/// Who votes and who listens. In force as soon as it is in the log, committed
/// or not (§4.1). While `old_voters` is not empty the configuration is *joint*:
/// every decision needs a majority of both sets (§4.3).
///
/// Members are kept sorted by id, so that equal configurations are equal bytes.
struct Configuration {
  std::vector<Member> voters{};
  std::vector<Member> old_voters{};
  std::vector<Member> learners{};
  friend bool operator==(const Configuration&, const Configuration&) = default;

  bool empty() const { return voters.empty(); }
  bool is_joint() const { return !old_voters.empty(); }
  bool has_voter(PeerId id) const;   ///< In either set of voters.
  bool has_member(PeerId id) const;  ///< Voter or learner.
  const Member* find(PeerId id) const;
  const Member* find(const std::string& name) const;
  /// Every member once, sorted by id.
  std::vector<Member> members() const;
};

/// Sorts the members, so that the same sets are the same value.
Configuration normalized(Configuration configuration);

/// The largest index that a majority of `voters` has reached. An empty set of
/// voters imposes nothing: it answers the largest index there is, so that a
/// joint quorum is the minimum of its halves.
Index majority_index(const std::vector<Member>& voters, const std::map<PeerId, Index>& reached);

/// The largest index that a quorum of `configuration` has reached (§3.6.2, §4.3).
Index quorum_index(const Configuration& configuration, const std::map<PeerId, Index>& reached);

/// What became of a vote so far.
enum class Tally : std::uint8_t { pending, won, lost };

/// Counts `votes` (true: granted) in `configuration`. Each peer counts once and
/// only if it is a voter; in a joint configuration both majorities are needed.
Tally tally(const Configuration& configuration, const std::map<PeerId, bool>& votes);

/// Configurations travel and are stored as entries; the engine reads them with
/// this codec, so that it needs no other room. The format is versioned:
/// one byte 1, then each set as u32 count and members as u64 id, u32-prefixed name
/// and address; little endian.
std::string encode(const Configuration& configuration);
/// `nullopt` if `bytes` is not a configuration to the last byte.
std::optional<Configuration> decode_configuration(std::string_view bytes);

}  // namespace troupe
