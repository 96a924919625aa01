#pragma once

#include "core/bytes.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>

namespace troupe::actors {

/// No bound.
inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

/// What one connection may ask for before it is answered, and what its answers may take.
struct BacklogLimits {
  // Beyond either of these, what comes is refused as `busy`.
  std::size_t calls_max = unbounded;  ///< Calls and requests.
  std::size_t bytes_max = unbounded;  ///< Of their frames.
  // Beyond either of these, the connection is not read.
  std::size_t frames_max = unbounded;
  std::size_t requests_max = unbounded;
  // Bytes of answers that the socket has not taken.
  std::size_t query_answer_bytes_max = unbounded;  ///< Beyond it queries wait; nothing is read.
  std::size_t answer_bytes_max = unbounded;        ///< Beyond it no further value is answered.
};

/// What all connections of a node hold together, beyond a small part of each that nobody can take
/// from it. Used by all of them.
struct NodeBacklog {
  std::size_t bytes_max = unbounded;              ///< Of frames that are not answered.
  std::size_t answer_bytes_max = unbounded;       ///< Of answers that are not written.
  std::size_t own_bytes = std::size_t{64} << 10;  ///< That each connection may have anyway.
  std::atomic<std::size_t> bytes{0};
  std::atomic<std::size_t> answer_bytes{0};
};

/// What is counted of one connection. Outlives it, as long as somebody holds a share.
class BacklogCount;

/// One frame's part of a backlog. It is given back when the last who holds it lets it go.
class Share {
public:
  Share(std::shared_ptr<BacklogCount> count, std::size_t calls, std::size_t bytes, bool is_request);
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share();

  /// Whether another value may be answered.
  bool has_room() const;
  /// Whether queries must wait, since the socket has not taken the answers before them. It may have
  /// `query_answer_bytes_max` of them, or `own_bytes` while the node holds all that it may hold.
  bool has_answers_enough() const;
  /// Calls `then` once, when the socket has taken half of what makes queries wait, or has ended. At
  /// once if that is so already, otherwise on any thread.
  void when_answers_taken(std::function<void()> then) const;
  /// Whether the connection has ended, so that nobody reads an answer.
  bool is_over() const;
  /// `answer` as bytes, which count as long as they exist. The connection counts what it encodes.
  Bytes charged(std::string answer) const;

private:
  std::shared_ptr<BacklogCount> count_;
  std::size_t calls_;
  std::size_t bytes_;
  bool is_request_;
};

/// Goes with what is to be answered; its last copy gives the share back. Null where nobody counts.
using Ticket = std::shared_ptr<const Share>;

/// Bounds what was passed on and is not answered yet, in bytes and in messages, and the answers.
/// Its tickets may outlive it, and end on any thread.
class Backlog {
public:
  explicit Backlog(const BacklogLimits& limits, std::shared_ptr<NodeBacklog> node = {});
  Backlog(std::size_t calls_max, std::size_t bytes_max)
      : Backlog({.calls_max = calls_max, .bytes_max = bytes_max}) {}

  /// Null if it would be too much. One actor admits.
  Ticket admit(std::size_t calls, std::size_t bytes) { return admit(calls, bytes, false); }
  Ticket admit_request(std::size_t bytes) { return admit(1, bytes, true); }

  /// Once: `on_room` is called when there is room for frames, requests and answers again, after
  /// `must_wait` said that there is none; on any thread.
  void when_room(std::function<void()> on_room);
  /// Whether no further frame may be looked at until `on_room` was called.
  bool must_wait();

  /// So many bytes of answers wait for the socket.
  void note_unwritten(std::size_t bytes);
  /// As of a share: whether another answer may be made, and whether queries must wait.
  bool has_room() const;
  bool has_answers_enough() const;
  /// The connection has ended.
  void end();

private:
  Ticket admit(std::size_t calls, std::size_t bytes, bool is_request);

  std::shared_ptr<BacklogCount> count_;
};

}  // namespace troupe::actors
