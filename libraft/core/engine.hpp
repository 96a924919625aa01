#pragma once

#include "core/cleaner.hpp"
#include "core/configuration.hpp"
#include "core/configuration_history.hpp"
#include "core/election_timer.hpp"
#include "core/input.hpp"
#include "core/log.hpp"
#include "core/log_cutter.hpp"
#include "core/message.hpp"
#include "core/options.hpp"
#include "core/outbox.hpp"
#include "core/output.hpp"
#include "core/progress.hpp"
#include "core/read_queue.hpp"
#include "core/recovered.hpp"
#include "core/refusal.hpp"
#include "core/roles.hpp"
#include "core/snapshot.hpp"
#include "core/snapshot_receiver.hpp"
#include "core/snapshot_schedule.hpp"
#include "core/types.hpp"
#include "core/view.hpp"
#include "core/write_queue.hpp"

#include <map>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace troupe {

/// The consensus protocol of one peer: elections, replication, commitment, reads
/// and configuration, as in Ongaro's dissertation. Pure: the same inputs in the
/// same order give the same outputs. Time comes in as a value, chance as a seed,
/// and nothing else comes in at all.
///
/// The shell around it turns the crank:
///
///     engine.step(Tick{now});
///     engine.step(...);                  // whatever arrived
///     Output out = engine.take_output();  // one write, one message a follower
///     // ...perform it, arm a timer for engine.next_deadline()
///
/// The engine never waits for a disk. What it hands out in `Output::write`
/// becomes durable when the store says so (`Persisted`); until then promises
/// that depend on it are held back, and a leader does not count itself.
class Engine {
public:
  /// Starts as a follower that has applied what its snapshot covers, and nothing else: the first
  /// output says to install it. Requires valid `options` and a `recovered` that a store has
  /// checked.
  Engine(EngineOptions options, Recovered recovered, Time now);

  /// News. Never fails and never blocks. Nonsense from outside is dropped and
  /// counted; a broken invariant of our own aborts.
  void step(const Input& input);

  /// Appends a command for each payload. On success the entries occupy the
  /// indexes from the returned id on, all of its term; they are committed when they come
  /// back in `Output::committed`, or lost when another entry does in their place.
  /// Refuses: `redirect`, `election_in_progress`, `busy`, `too_large`, `no_space`; then none
  /// of them was appended.
  Result<EntryId> propose(std::span<const Bytes> payloads);

  /// Makes this empty peer the first of a new cluster (§4.4): `configuration` becomes entry
  /// 1 of term 1, and we campaign at once. `cluster` names the new cluster;
  /// draw it at random. Committed as any entry. Refuses:
  /// `must_be_in_consensus_group`, `redirect` or `election_in_progress` if there
  /// is a configuration already, `invalid` for a set that no quorum can be built of.
  Result<EntryId> bootstrap(Configuration configuration, ClusterId cluster);

  /// Changes who votes and who listens, any set to any set, by joint consensus (§4.3): newcomers
  /// catch up as learners, then old and new voters decide together, then the new ones alone.
  /// Done when `view()` shows `configuration` as it was asked for, committed and not `changing`;
  /// given up, with the old configuration in force, if the newcomers have not caught up after
  /// `catch_up_timeout`. A leader that is not among the new voters hands over at the end. Returns
  /// the entry of the first step. Refuses: `redirect`, `election_in_progress`,
  /// `configuration_in_progress`, `invalid` for a set without voters, with a name or id twice, or
  /// with more than `configuration_members_max` members, those of before counted.
  ///
  /// While the configuration in force has a `keep` policy, leaders change it by themselves, too.
  Result<EntryId> change_configuration(Configuration target);

  /// Asks for a read at `level`, which is never `sequential`: that needs no engine. Linearizable
  /// (§6.4): all reads asked for before the next round to a quorum are confirmed by it together.
  /// Lease (§6.4.1): ready at once while we hold one (`lease_until()`) and no
  /// linearizable read waits; else as linearizable. It needs a `Tick` given after the client asked:
  /// a lease that had ended would else seem to hold. A follower that hears a leader asks it, at
  /// either level.
  /// Ready when an `Output::reads` covers the returned id; lost if the role changes first.
  /// Refuses: `redirect`, `election_in_progress` (also until the first entry of our own term
  /// is committed), `busy`.
  Result<ReadId> start_read(ReadLevel level = ReadLevel::linearizable);

  /// Hands leadership to `to` or, if `nobody`, to the voter that is furthest
  /// (§3.10): of those who are heard, have a state and room for more, and have
  /// not just handed it over to us, if there are any. Until it is done, or an
  /// election timeout has passed, proposals are refused as
  /// `election_in_progress`. Refuses: `redirect`,
  /// `not_found` if `to` does not vote or there is no other voter.
  Result<PeerId> transfer(PeerId to);

  /// Whether a leader that is about to go for good had better serve on for a while: enough voters
  /// answer to decide without it, but not enough of those hold nearly all that it has. What the
  /// rest lack their next leader would have to send them before it could commit anything. How long
  /// this is worth while the caller knows.
  bool should_stay() const;

  /// Has a snapshot taken by the next output (§5.1), of all that is applied by then: at least of
  /// the returned entry. Refuses: `busy` while one is under way or there is no sound state;
  /// `not_found` if nothing was applied since the last.
  Result<EntryId> take_snapshot();

  bool has_output() const;
  /// What is to be done since the last call, gathered into one write and as
  /// few messages as the windows allow.
  [[nodiscard]] Output take_output();

  /// When to step a `Tick` at the latest; `never` for a peer that waits for
  /// others to speak first.
  Time next_deadline() const;

  /// Whether a `Tick` at `now` without `unread` would decide by silence: a follower would campaign,
  /// or a leader step down. So it is time to read what waits.
  bool would_judge_silence(Time now) const;

  EngineView view() const;
  /// The same, into what an earlier call gave, whose memory is used again.
  void view(EngineView& into) const;
  // Of the view, what is asked for often.
  Role role() const { return role_; }
  bool is_quiet() const;
  Term term() const { return hard_state_.term; }
  ClusterId cluster() const { return hard_state_.cluster; }
  /// As far as we know; `nobody` else.
  PeerId leader() const { return role_ == Role::leader ? options_.self : known_leader(); }
  /// In force; empty if there is none.
  const Configuration& configuration() const { return configurations_.in_force(); }
  /// The same or, at a standby, what its leader last said: whom to send clients to.
  const Configuration& known_configuration() const { return configurations_.known(); }
  /// While we lead by lease: until then, by our clock, nobody else can (§6.4.1).
  std::optional<Time> lease_until() const;
  /// Before this is applied, the state may be none that ever was (§5.3).
  Index horizon() const;
  /// Entries and their terms, for status and tests.
  const Log& log() const { return log_; }

private:
  /// Of the simulator, which must tell all states apart.
  friend class sim::EngineDigest;

  Following& following() { return std::get<Following>(state_); }
  Electing& electing() { return std::get<Electing>(state_); }
  const Electing& electing() const { return std::get<Electing>(state_); }
  Leading& leading() { return std::get<Leading>(state_); }
  const Leading& leading() const { return std::get<Leading>(state_); }

  // engine.cpp: the entry points, and what every role shares.
  void view_followers(PeerMap<FollowerView>& into) const;
  void start_bound();
  Refusal refusal_of_non_leader() const;
  PeerId known_leader() const;
  bool is_voter() const { return configuration().has_voter(options_.self); }
  bool may_campaign() const;
  void append(EntryKind kind, Bytes payload);
  void adopt_configuration(const Entry& entry);
  void advance_commit(Index to);

  // engine_messages.cpp: what comes in.
  void on_tick(const Tick& tick);
  void on_message(const Message& message);
  void on_older_term(const Message& message);
  void on_our_term(const Message& message);
  bool belongs_here(const Message& message);
  void on_disconnected(PeerId peer);

  // engine_output.cpp: what goes out, and what has become durable.
  void on_persisted(WriteId write);
  bool may_apply() const { return commit_ > applied_ && !stateless_; }
  bool has_write() const;
  Write take_write();
  void send(PeerId to, Body body);
  void send_when_durable(PeerId to, Body body);
  Message envelope(PeerId to, Body body) const;

  // engine_election.cpp
  void adopt_term(Term term);
  void become_follower(Term term, PeerId leader, RoleChange change);
  RoleChange handover_or(RoleChange change) const;
  std::vector<PeerId> voters_not_in(const std::map<PeerId, bool>& answers) const;
  ElectionTimer::Waits waits() const;
  void reset_election_deadline() { timer_.reset(now_, waits()); }
  void start_election();
  void pre_campaign();
  void campaign(bool transfer, RoleChange change);
  void ask_for_votes(const Body& request);
  Tally tally_votes() const;
  void become_leader();
  bool hears_leader() const;
  bool may_vote() const;
  /// Until then all that came has been stepped: silence is judged as of this time.
  Time heard_upto() const { return now_ - unread_; }
  bool goes_before(PeerId other, const PreVoteRequest& request) const;
  void on_pre_vote_request(const Message& message, const PreVoteRequest& request);
  void on_pre_vote_response(const Message& message, const PreVoteResponse& response);
  void on_vote_request(const Message& message, const VoteRequest& request);
  void on_vote_response(const Message& message, const VoteResponse& response);
  void on_timeout_now(const Message& message);

  // engine_follower.cpp
  void on_append_request(const Message& message, const AppendRequest& request);
  bool may_lead_us(PeerId from) const;
  void hear_leader(const Message& message);
  bool makes_sense(const Message& message, const AppendRequest& request) const;
  Index make_agree(const AppendRequest& request);
  AppendResponse promise_to(const AppendRequest& request,
                            std::variant<Rejected, Accepted> verdict) const;
  void answer_append(const Message& message, const AppendRequest& request, Index matched);
  void truncate_from(Index index);

  // engine_set_back.cpp
  void find_self_set_back(EntryId acknowledged);
  void find_set_back(PeerId peer, Progress& progress, const AppendResponse& response);
  EntryId claim_to(const Progress& progress) const;

  // engine_leader.cpp
  void on_append_response(const Message& message, const AppendResponse& response);
  void lead_on_tick();
  bool hears_quorum(Time at) const;
  void maybe_commit();
  void continue_transfer();
  Time leader_deadline() const;

  // engine_reads.cpp
  Result<ReadId> start_read_as_follower();
  void confirm_reads();
  bool may_answer_reads() const;
  bool read_request_due() const;
  void on_read_index_request(const Message& message, const ReadIndexRequest& request);
  void on_read_index_response(const Message& message, const ReadIndexResponse& response);

  // engine_cleaning.cpp
  Index floor() const;
  Index clean_upto() const;
  Time cleaning_deadline() const;
  bool is_mended() const;
  Index holes_upto() const;
  bool holes_would_mislead(const Progress& progress) const;
  bool may_send_entries(const Progress& progress) const;

  // engine_disk.cpp
  void leave_stalled_disk();
  void on_disk_full(const DiskFull& news);
  bool has_room() const;
  void leave_full_disk();

  // engine_replication.cpp
  bool has_news_for(const Progress& progress) const;
  void replicate();
  void replicate_to(PeerId to, Progress& progress);
  void send_append(PeerId to, Progress& progress, std::vector<Entry> entries);

  // engine_snapshot.cpp: our own, and what it allows to cut.
  void on_snapshot_lost(const SnapshotLost& lost);
  bool snapshot_due() const;
  bool sends_snapshot() const;
  bool follower_wants_new_snapshot() const;
  SnapshotPlace place_applied() const;
  void record_snapshot(SnapshotHead head);

  // engine_sending.cpp: a leader's, to those who need it.
  std::optional<Index> snapshot_wanted(const Progress& progress) const;
  const SnapshotHead* snapshot_for(const Progress& progress) const;
  bool has_chunk_for(const Progress& progress) const;
  void send_chunks(PeerId to, Progress& progress);
  void on_snapshot_response(const Message& message, const SnapshotResponse& response);

  // engine_install.cpp: a leader's, to us.
  void on_snapshot_chunk(const Message& message, const SnapshotChunk& chunk);
  bool makes_sense(const Message& message, const SnapshotChunk& chunk) const;
  void on_chunk_stored(const ChunkStored& stored);
  bool accept_instead(EntryId last);
  void install(SnapshotHead head);

  // engine_quiet.cpp
  bool is_worth_waking_for(const Message& message) const;
  void wake();
  void wake_followers();
  bool has_nothing_to_do() const;
  bool is_settled(const Progress& progress) const;
  bool is_quiet_due() const;
  bool sleeps_on();
  void hear_quiet(Progress& progress, const AppendResponse& response);
  void obey_quiet(const AppendRequest& request);
  void wake_leader();
  void on_silent(PeerId peer);

  // engine_membership.cpp
  bool may_change() const;
  void begin_change(PendingChange change);
  void continue_change();
  void give_up_change();
  bool hears(const Progress& progress) const;
  bool has_caught_up(const Progress& follower) const;
  bool newcomers_caught_up(const Configuration& target) const;
  void append_configuration(Configuration configuration);
  void follow_members();

  // engine_substitutes.cpp
  void keep_voters();
  PeerId find_substitute() const;
  bool is_needless(const PendingChange& change) const;

  EngineOptions options_;
  Time now_{};
  Duration unread_{};  ///< Of the last `Tick`.
  HardState hard_state_{};
  Log log_{};
  ConfigurationHistory configurations_{};
  Index commit_{};
  Index applied_{};

  Role role_ = Role::follower;
  std::variant<Following, Electing, Leading> state_{Following{}};
  ElectionTimer timer_;
  PeerId handed_over_ = nobody;  ///< The leader that told us to campaign, if one did.
  ReadQueue reads_;

  WriteQueue writes_{};
  Outbox outbox_{};
  bool role_changed_ = false;
  std::vector<SetBack> set_back_{};  ///< Found out, and not told yet.
  RoleChange role_change_{};
  std::vector<PeerId> unheard_{};  ///< See `EngineView`.
  bool disk_full_ = false;
  std::uint64_t dropped_ = 0;

  SnapshotSchedule snapshots_;
  LogCutter cutter_;
  SnapshotReceiver receiver_{};
  bool stateless_ = false;  ///< See `EngineView`.
  std::optional<SnapshotHead> install_{};
  std::optional<SnapshotHead> check_{};
  Cleaner cleaner_;
};

}  // namespace troupe
