#pragma once

#include "core/engine.hpp"
#include "core/message.hpp"
#include "core/output.hpp"
#include "core/view.hpp"
#include "test/sim/marks.hpp"
#include "test/sim/state.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::sim {

/// Watches all peers of a cluster from outside and knows what no peer can know: what is durable
/// where, who was ever elected, and what was ever committed. The first rule that is broken is
/// kept, in words; nothing is checked after it.
///
/// What it is told must be told at the moment it happens: a commit is compared with the disks as
/// they are when the leader decides.
class Checker {
public:
  explicit Checker(Marks& marks) : marks_(marks) {}

  const std::optional<std::string>& violation() const { return violation_; }

  // The life of a peer.
  void started(PeerId peer, const EngineView& view, const Log& log);
  void crashed(PeerId peer);

  /// A copy of the disk is made.
  void copied(PeerId peer);
  /// The disk holds what it held when it was copied last. Requires that the peer is down.
  void set_back(PeerId peer);
  /// What decided an election or a commit came from a peer that had forgotten what it promised, and
  /// could not know. No rule can be kept from there on, and none is checked.
  bool is_void() const { return void_; }

  /// An input or request turned `before` into `now`.
  void stepped(const EngineView& before, const EngineView& now, const Log& log);
  /// A candidate of this configuration leads `term` from now on.
  void won(PeerId peer, Term term, const Configuration& configuration);
  /// The engine handed out a write, after which its log was `log`.
  void handed(PeerId peer, const Write& write, const Log& log);
  /// The disk has it.
  void durable(PeerId peer, const Write& write);
  /// The message leaves the peer.
  void sent(const Message& message);
  /// The peer's state is what this snapshot holds.
  void installed(PeerId peer, const SnapshotHead& head, const State& state);
  /// The peer's state has applied `entry`.
  void applied(PeerId peer, const Entry& entry, const State& state);

  // What clients are told. A proposal holds commands that no other holds.
  void proposed(std::string_view command);
  /// Told: it happened, as the entry `id`.
  void acknowledged(std::string_view command, EntryId id);
  /// Told: it did not happen and never will.
  void denied(std::string_view command);
  /// The index that a read that starts at this moment must not be answered from before.
  Index read_floor() const { return last_committed(); }
  /// Told: this was the state when `index` was applied.
  void read_answered(Index floor, Index index, const State& state);

  /// Told: this is the state, to one who had seen `seen` before.
  void sequential_read_answered(Index seen, const State& state);

  // What is known to be committed.
  Index last_committed() const { return {committed_.size()}; }
  const State& state_at(Index index) const;
  /// To be called when all is over.
  void finished();

private:
  struct Chained {
    EntryId id{};
    std::uint64_t digest = empty_digest;
  };
  /// A log. What was cut from it is covered by a snapshot and still counts as held, since its
  /// effects are; that the snapshot is there is another matter.
  struct Mirror {
    std::vector<Chained> entries{};  ///< By index - 1.
    Index first{1};
    std::optional<SnapshotHead> snapshot{};

    EntryId last() const { return entries.empty() ? EntryId{} : entries.back().id; }
  };

  struct Placed {
    EntryId id{};
    Configuration configuration{};
  };

  struct Standing {
    Role role = Role::follower;
    HardState hard_state{};
  };

  struct PeerRecord {
    HardState hard_state{};  ///< Durable.
    Mirror durable{};
    Mirror handed{};  ///< What the disk will have when it has caught up.
    WriteId last_write{};
    std::optional<Standing> standing{};  ///< Unless it is down.
    std::uint64_t boots = 0;
    /// Of its log, as far as `read_upto`; each as it should be in force from its index on.
    std::map<Index, Placed> configurations{};
    EntryId read_upto{};
  };
  /// What was on a disk.
  struct Kept {
    HardState hard_state{};
    Mirror log{};
  };
  struct Committed {
    EntryId id{};
    Term in_term{};  ///< Of the first leader that is known to have committed it.
    std::uint64_t digest = empty_digest;
    State state{};
  };
  struct Election {
    PeerId leader{};
    std::uint64_t boot = 0;
    std::vector<Term> terms{};  ///< Of its log when it was elected.
  };
  struct Told {
    bool denied = false;
    std::optional<EntryId> acknowledged{};
    std::optional<Index> committed{};
  };

  void fail(PeerId peer, const std::string& what);
  bool has_forgotten(PeerId peer) const { return forgotten_.contains(peer); }
  void check_set_back(const EngineView& now);
  void check_silence_of_set_back(const Message& message);
  bool knows_set_back(PeerId peer) const;
  void end_judgement();
  void elected(const EngineView& now, const Log& log);
  void leader_committed(const EngineView& before, const EngineView& now, const Log& log);
  bool record_commit(const EngineView& now, const Log& log, Index index);
  bool check_later_leaders(const EngineView& now, const Committed& committed);
  void follower_committed(const EngineView& now, const Log& log);
  void read_configurations(PeerRecord& record, const EngineView& now, const Log& log);
  void check_configuration(const EngineView& now, const Log& log);
  void check_successor(const EngineView& now, const Placed& before, const Placed& placed);
  void proposed_configuration(const EngineView& now, const Log& log, const Placed& placed);
  bool is_committed(EntryId id) const;
  void check_vote(const EngineView& before, const EngineView& now);
  void check_matches(const EngineView& now, const Log& log);
  void extend(PeerId peer, Mirror& mirror, const Write& write);
  bool begin_anew(PeerId peer, Mirror& mirror, const Write& write);
  void take_over_snapshot(PeerId peer, Mirror& mirror, const SnapshotHead& head);
  void cut(PeerId peer, Mirror& mirror, Index before);
  bool log_holds(const Log& log, EntryId id) const;
  void sent_vote(const Message& message, const VoteResponse& response);
  void sent_vote_request(const Message& message, const VoteRequest& request);
  void sent_append_request(const Message& message, const AppendRequest& request);
  void sent_acceptance(const Message& message, Index matched);

  static bool holds(const Mirror& mirror, EntryId id);
  /// The voters whose promises count: all, all but those that a leader can know to have forgotten
  /// theirs, or only those that have forgotten none.
  enum class Trust : std::uint8_t { all, unknowing, none };
  bool counts(PeerId voter, EntryId id, const EngineView& leader, Trust forgetful) const;
  bool held_by_quorum(const Configuration& configuration, EntryId id, const EngineView& leader,
                      Trust forgetful) const;
  void check_held_by_quorum(const Configuration& configuration, EntryId id,
                            const EngineView& leader);
  bool voted_for_by_majority(const std::vector<Member>& voters, PeerId leader, Term term,
                             Trust forgetful) const;

  Marks& marks_;
  std::optional<std::string> violation_{};
  PeerMap<PeerRecord> peers_{};
  std::map<Term, Election> elections_{};
  std::map<std::pair<Term, PeerId>, PeerId> durable_votes_{};  ///< The peer that got its vote.
  std::map<std::pair<Term, PeerId>, PeerId> sent_votes_{};
  std::map<std::pair<Term, PeerId>, EntryId> candidacies_{};  ///< Where the candidate's log ended.
  std::map<PeerId, Kept> copies_{};
  std::map<PeerId, Kept> forgotten_{};  ///< By whom, and what, when the disk was set back.
  bool void_ = false;
  std::vector<Committed> committed_{};
  std::map<Index, Placed> committed_configurations_{};
  std::vector<std::map<Term, std::uint64_t>> known_{};  ///< Digest of each entry ever handed out.
  std::map<std::string, Told, std::less<>> commands_{};
};

}  // namespace troupe::sim
