#pragma once

#include "core/engine.hpp"
#include "core/message.hpp"
#include "core/types.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::sim {

/// A peer's place in the cluster, from 0. The peer there may crash and come back.
using Seat = std::size_t;

/// What a client asks of a peer.
struct Request {
  std::size_t client = 0;
  std::uint64_t operation = 0;
  std::vector<std::string> commands{};  ///< None: a read.
  ReadLevel level = ReadLevel::linearizable;
  Index seen{};           ///< The newest index that an answer to the client named.
  std::uint64_t key = 0;  ///< Of a read: what it asks for.
};

enum class Outcome : std::uint8_t { done, refused, in_doubt };

/// What it is told.
struct Answer {
  std::size_t client = 0;
  std::uint64_t operation = 0;
  Outcome outcome = Outcome::refused;
  PeerId leader{};          ///< The one to ask instead, if known.
  Index index{};            ///< Where it happened, or what was read.
  std::uint64_t value = 0;  ///< Of a read: what its key held.
};

// What can happen. Whatever belongs to one life of a peer names it (`boot`), and nobody hears of it
// when that has ended.
struct MessageArrives {
  Seat seat = 0;
  Message message{};
  std::uint64_t life = 0;  ///< Of the sending node.
};
struct ConnectionBreaks {
  Seat seat = 0;
  PeerId peer{};
};
struct RequestArrives {
  Seat seat = 0;
  Request request{};
};
struct TransferAsked {
  Seat seat = 0;
  PeerId to{};
};
struct ChangeAsked {
  Seat seat = 0;
  Configuration target{};
};
/// A transfer that was begun in `term` is over by now, one way or the other.
struct TransferJudged {
  Seat seat = 0;
  std::uint64_t boot = 0;
  Term term{};
};
struct WriteNoticed {
  Seat seat = 0;
  std::uint64_t boot = 0;
  WriteId write{};
};
struct TimerFires {
  Seat seat = 0;
  std::uint64_t timer = 0;
};
struct OutputDue {
  Seat seat = 0;
  std::uint64_t boot = 0;
};
struct WriteFinishes {
  Seat seat = 0;
  std::uint64_t boot = 0;
};
struct PeerStarts {
  Seat seat = 0;
};
struct PeerResumes {
  Seat seat = 0;
};
struct AnswerArrives {
  Answer answer{};
};
struct ClientWakes {
  std::size_t client = 0;
  std::uint64_t operation = 0;  ///< Means nothing once the client is at another.
};
/// A node says that it is alive, and counts how long it has not heard the others.
struct NodeBeats {
  Seat seat = 0;
};
struct BeatArrives {
  Seat seat = 0;
  Seat from = 0;
  std::uint64_t life = 0;
};
struct FaultStrikes {};
struct FaultEnds {
  std::size_t fault = 0;
};
struct AdminWakes {};
struct BurialPlanned {};

/// What a peer does with snapshots takes its time.
struct SnapshotSaved {
  Seat seat = 0;
  std::uint64_t boot = 0;
  SnapshotPlace place{};
  std::optional<std::string> bytes{};  ///< Nothing if it fails.
};
struct ChunkRead {
  Seat seat = 0;
  std::uint64_t boot = 0;
  ChunkToSend chunk{};
};
struct ChunkWritten {
  Seat seat = 0;
  std::uint64_t boot = 0;
  ChunkToStore chunk{};
};
/// All of it was read.
struct SnapshotChecked {
  Seat seat = 0;
  std::uint64_t boot = 0;
  SnapshotId id{};
};
struct InstallFailed {
  Seat seat = 0;
  std::uint64_t boot = 0;
  SnapshotId id{};
};

/// The replicated state says what its commands released.
struct ReleasesReported {
  Seat seat = 0;
  std::uint64_t boot = 0;
  Released released{};
};

/// A store says that it takes no more entries, or takes them again.
struct DiskSpoke {
  Seat seat = 0;
  std::uint64_t boot = 0;
  bool full = false;
};
/// A full disk is full no more.
struct RoomIsMade {
  Seat seat = 0;
};
/// The operator gives up a store that does not open.
struct RebuildDue {
  Seat seat = 0;
};
/// A disk goes back to the copy that was made of it.
struct SetBackDue {};
/// The operator looks whether a leader has found out.
struct SetBackLooked {};
/// The peer that another one in the same seat is to replace, if it has not.
struct ReplacementAsked {
  Seat seat = 0;
  PeerId gone{};
};
/// What is next in the fall and rise of a leader.
struct DeposalGoesOn {
  Seat leader = 0;
  Seat follower = 0;
  unsigned tries = 0;
};

using Event =
    std::variant<MessageArrives, ConnectionBreaks, RequestArrives, TransferAsked, TransferJudged,
                 WriteNoticed, TimerFires, OutputDue, WriteFinishes, PeerStarts, PeerResumes,
                 AnswerArrives, ClientWakes, FaultStrikes, FaultEnds, AdminWakes, ChangeAsked,
                 BurialPlanned, SnapshotSaved, ChunkRead, ChunkWritten, SnapshotChecked,
                 InstallFailed, ReleasesReported, RoomIsMade, DeposalGoesOn, RebuildDue, DiskSpoke,
                 ReplacementAsked, NodeBeats, BeatArrives, SetBackDue, SetBackLooked>;

/// What is to come, in order of time; at equal times, in the order it was scheduled.
class Events {
public:
  template <class Happening>
  void schedule(Time at, Happening happening) {
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
    }
    const std::size_t slot = free_.back();
    free_.pop_back();
    slots_[slot].template emplace<Happening>(std::move(happening));
    heap_.push_back({at, ++count_, slot});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  }

  bool empty() const { return heap_.empty(); }
  Time next_at() const { return heap_.front().at; }
  std::uint64_t scheduled() const { return count_; }

  /// Has `handle` do what an `Event&` asks, where that lies: it stays there until `handle` returns,
  /// whatever is scheduled by then. Requires: not empty.
  template <class Handle>
  void handle_next(Handle handle) {
    std::pop_heap(heap_.begin(), heap_.end(), Later{});
    const std::size_t slot = heap_.back().slot;
    heap_.pop_back();
    handle(slots_[slot]);
    free_.push_back(slot);
  }

private:
  struct Due {
    Time at{};
    std::uint64_t number = 0;
    std::size_t slot = 0;
  };
  struct Later {
    bool operator()(const Due& a, const Due& b) const {
      return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
  };

  std::vector<Due> heap_{};
  std::deque<Event> slots_{};  ///< None moves when there are more.
  std::vector<std::size_t> free_{};
  std::uint64_t count_ = 0;
};

}  // namespace troupe::sim
