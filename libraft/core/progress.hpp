#pragma once

#include "core/message.hpp"
#include "core/snapshot_sending.hpp"
#include "core/types.hpp"
#include "core/view.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <optional>

namespace troupe {

/// What a leader knows of one follower, and what is on its way to it.
///
/// `probe`: we do not know where the logs agree; one message with entries at a
/// time. Should it be lost, the next heartbeat asks the same question.
/// `replicate`: they agree up to `match`; messages leave ahead of the answers, as
/// far as the window reaches. A rejection or a new leadership leads back to `probe`.
/// `rest`: it keeps no log, and is sent no entries.
/// `snapshot`: the next entry was cut from the leader's log; no entries leave until the follower
/// has a snapshot in their place. The log tells, so it is the engine that knows.
class Progress {
public:
  struct Window {
    std::size_t bytes_max = 0;
    std::size_t messages_max = 0;
  };

  explicit Progress(Index next, Time now) : next_(next), heard_at_(now) {}

  Index match() const { return match_; }
  Index next() const { return next_; }
  Pace pace() const { return pace_; }
  Time heard_at() const { return heard_at_; }
  /// Whether it was ever heard; else `heard_at` is when we began to listen.
  bool has_answered() const { return has_answered_; }
  std::optional<Time> sent_at() const { return sent_at_; }
  ReadId read() const { return read_; }
  /// By our clock: until then the follower helps nobody else to lead.
  Time promised_until() const { return promised_until_; }
  std::size_t in_flight_bytes() const { return in_flight_bytes_; }

  /// Whether entries may be sent now.
  bool may_send(const Window& window) const;

  /// Any message left for the follower at `now`.
  void sent(Time now) { sent_at_ = now; }
  /// Entries up to `last` left, `bytes` in all.
  void sent_entries(Index last, std::size_t bytes);
  /// The follower answered, and had heard of `read` by then.
  void heard(Time now, ReadId read);
  void promised(Time until);
  /// The follower has the log durably up to `matched`. Returns whether that is news.
  /// `term` is that of the entry there, 0 if it was cut from our log.
  bool accepted(Time now, Index matched, Term term);
  /// The follower does not hold the entry at `previous`; the logs can only agree
  /// at or before `agree`. An answer to an outdated request changes nothing.
  void rejected(Index previous, Index agree);

  void rest();
  /// It keeps the log again, or for the first time.
  void resume();

  /// The follower asks for a snapshot that covers at least this entry; 0 if it does not.
  Index wanted() const { return wanted_; }
  void wants(Index index) { wanted_ = index; }

  /// Whether all that it has of the log, or the snapshot that this goes on from, was sent by us
  /// since we lead: then holes mean to it what they mean to us (§5.3).
  bool has_ours() const { return has_ours_; }
  /// A snapshot of ours is sent to it that ends with this entry.
  void offered(Index last) { offered_ = std::min(offered_.value_or(last), last); }
  /// It says that it has nothing. Of one that was sent entries before this may be a late message.
  void has_nothing() { has_ours_ = has_ours_ || !returned_; }
  void returns() { returned_ = true; }

  /// It sleeps: so it answered what we sent at this time. Nothing if it never did.
  std::optional<Time> quiet_since() const { return quiet_since_; }
  void fell_quiet(Time sent_at) { quiet_since_ = std::max(quiet_since_, std::optional(sent_at)); }
  /// We have not listened for a while: it counts as heard at `now`, and is to be sent something.
  void listen_anew(Time now) {
    heard_at_ = now;
    sent_at_.reset();
  }

  /// Whether `response`, heard at `now`, proves that its disk was set back (docs/decisions/0009).
  /// Entries that it has accepted in this term stay. So a rejection of them answers a request that
  /// left before we heard the acceptance, or the disk was set back; or the follower knows that, and
  /// says so. Answers to requests of older terms give back no time.
  bool is_set_back_by(const AppendResponse& response, Time now) const;
  /// Its disk was set back. Nothing that it says counts any more, nor what it said.
  void found_set_back();
  bool is_set_back() const { return set_back_; }
  /// The last entry up to which it has accepted the log, as far as we know its term.
  EntryId claim() const { return claim_; }
  /// `match` when it was found that the disk was set back; 0 otherwise.
  Index acknowledged() const { return acknowledged_; }

  bool disk_full() const { return disk_full_; }
  void has_full_disk(bool full) { disk_full_ = full; }

  /// All of this, for those who look. What the log says of the follower is left out.
  void view(FollowerView& into) const;

  /// The snapshot that is being sent, beside entries or in their place.
  const std::optional<SnapshotSending>& sending() const { return sending_; }
  std::optional<SnapshotSending>& sending() { return sending_; }

private:
  struct Sent {
    Index last{};
    std::size_t bytes = 0;
  };

  Index match_{};                  ///< Durable at the follower, as it told us in this term.
  Time matched_at_ = Time::min();  ///< When we heard the answer that raised `match` last.
  EntryId claim_{};
  Index next_{};  ///< The next entry to send.
  Pace pace_ = Pace::probe;
  bool probing_ = false;  ///< A probe is on its way.
  std::list<Sent> in_flight_{};
  std::size_t in_flight_bytes_ = 0;
  Time heard_at_{};
  bool has_answered_ = false;
  std::optional<Time> sent_at_{};
  ReadId read_{};
  Index wanted_{};
  bool disk_full_ = false;
  std::optional<Time> quiet_since_{};
  std::optional<SnapshotSending> sending_{};
  Time promised_until_ = Time::min();
  std::optional<Index> offered_{};  ///< The least.
  bool has_ours_ = false;
  bool set_back_ = false;
  Index acknowledged_{};
  bool returned_ = false;  ///< It was sent entries by us before, and then none for some time.
};

}  // namespace troupe
