#pragma once

#include "core/bytes.hpp"
#include "core/refusal.hpp"
#include "wire/packet.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

namespace troupe::actors {

/// What a client's callers and its actor both see.
class ClientShared {
public:
  ClientShared(std::size_t calls_max, std::size_t bytes_max)
      : calls_max_(calls_max), bytes_max_(bytes_max) {}

  /// Counts one more call, unless a limit is reached.
  bool reserve(std::size_t bytes);
  void release(std::size_t bytes);

  void set_leader(std::string leader);
  std::string leader() const;

private:
  const std::size_t calls_max_;
  const std::size_t bytes_max_;
  std::atomic<std::size_t> calls_{0};
  std::atomic<std::size_t> bytes_{0};
  mutable std::mutex mutex_{};
  std::string leader_{};
};

struct Target;
class Operation;
using OperationPtr = std::shared_ptr<Operation>;
using ClientTime = std::chrono::steady_clock::time_point;

/// One call or request of a client, from being asked to being answered. It is answered exactly
/// once: if by nobody else, then by its destructor, as `stopping`.
class Operation {
public:
  using Answer = std::variant<std::promise<wire::CallReply>, std::function<void(wire::CallReply)>,
                              std::promise<wire::Response>>;
  enum class Scope : std::uint8_t { node, cluster };
  enum class State : std::uint8_t {
    waiting,  ///< For the connection of `target`.
    sent,     ///< Handed to the connection of `target`.
    pausing,  ///< Before another peer is tried.
    finished,
  };

  Operation(Scope whose, Answer answer) : scope(whose), answer_(std::move(answer)) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation();

  /// Counts the operation against the limits until it is answered. False beyond them.
  bool reserve(const std::shared_ptr<ClientShared>& shared);

  void finish(wire::CallReply reply) noexcept;
  void finish(wire::Response response) noexcept;
  void finish(Refusal refusal, std::string detail = {}) noexcept;
  void abandon() noexcept;

  bool is_request() const { return request != nullptr; }
  bool is_sequential() const { return level == ReadLevel::sequential; }
  /// Whether it leaves something changed where it arrived, so that a lost answer leaves a doubt.
  bool changes_something() const;

  const Scope scope;
  State state = State::waiting;
  wire::CallKind kind = wire::CallKind::command;
  ReadLevel level = ReadLevel::linearizable;
  Refusal refused = Refusal::none;  ///< Before it reached the client's actor.
  std::uint8_t hops = 0;            ///< Peers tried since the last pause, beside the first.
  std::uint64_t id = 0;
  Bytes payload{};
  std::unique_ptr<wire::Request> request{};
  std::string address{};  ///< Of the node to ask. Of a cluster's operation: where it was sent last.
  std::string peer{};     ///< Likewise.
  Target* target = nullptr;
  ClientTime deadline{};
  std::multimap<ClientTime, Operation*>::iterator timer{};
  /// Why the last peer did not do it.
  Refusal last_refusal = Refusal::none;
  std::string last_detail{};

private:
  void release();

  Answer answer_;
  bool answered_ = false;
  std::shared_ptr<ClientShared> shared_{};
  std::size_t reserved_bytes_ = 0;
};

}  // namespace troupe::actors
