#pragma once

#include "actors/client/client.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/transport/acceptor.hpp"
#include "actors/transport/link.hpp"
#include "actors/transport/socket.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::actors::test {

using namespace std::chrono_literals;

/// Nothing in these tests takes a fraction of this, unless it hangs.
inline constexpr auto patience = 20s;

/// An actor system with threads and sockets. What is nonsense on purpose is not logged.
struct LiveSystem {
  struct Config : caf::actor_system_config {
    Config() {
      configure(*this);
      set("scheduler.max-threads", std::size_t{2});
    }
  };
  Config config{};
  caf::actor_system actors{config};

  LiveSystem() { set_log_level(LogLevel::error); }
  LiveSystem(const LiveSystem&) = delete;
  LiveSystem& operator=(const LiveSystem&) = delete;
  ~LiveSystem() = default;
};

/// What arrived somewhere, for a thread that waits for it.
template <class T>
class Inbox {
public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  /// The next value; nothing if none comes.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return !values_.empty(); }))
      return std::nullopt;
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }
  /// How many there are once there are at least so many, or none come any more.
  std::size_t size_from(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return values_.size() >= count; });
    return values_.size();
  }

private:
  mutable std::mutex mutex_{};
  std::condition_variable changed_{};
  std::deque<T> values_{};
};

/// An actor that does what a function says with each message that connections and links send.
class Puppet : public caf::event_based_actor {
public:
  using Heard =
      std::variant<InboundCalls, InboundRequest, InboundMessages, InboundReplies, InboundResponse,
                   LinkUp, LinkDown, NodeInDoubt, NodeHeard, ConnectionReady>;
  using Script = std::function<void(Puppet&, Heard)>;

  Puppet(caf::actor_config& config, Script script)
      : caf::event_based_actor(config), script_(std::move(script)) {}

  caf::behavior make_behavior() override {
    return {
        [this](InboundCalls& m) { script_(*this, std::move(m)); },
        [this](InboundRequest& m) { script_(*this, std::move(m)); },
        [this](InboundMessages& m) { script_(*this, std::move(m)); },
        [this](InboundReplies& m) { script_(*this, std::move(m)); },
        [this](InboundResponse& m) { script_(*this, std::move(m)); },
        [this](const LinkUp& m) { script_(*this, m); },
        [this](const LinkDown& m) { script_(*this, m); },
        [this](const NodeInDoubt& m) { script_(*this, m); },
        [this](const NodeHeard& m) { script_(*this, m); },
        [this](const ConnectionReady& m) { script_(*this, m); },
    };
  }
  void on_exit() override { script_ = nullptr; }

  /// Answers each call of a frame as `reply` says; its id is set here.
  void answer(const InboundCalls& inbound, wire::CallReply reply) {
    wire::CallReplies replies;
    for (const wire::Call& call : inbound.calls.calls) {
      reply.id = call.id;
      replies.replies.push_back(reply);
    }
    actors::send(this, inbound.connection, wire::encode(replies));
  }

private:
  Script script_;
};

/// Ends an actor and waits until it is gone.
inline void end(caf::actor& actor) {
  if (!actor)
    return;
  auto gone = std::make_shared<std::promise<void>>();
  actor->attach_functor([gone] { gone->set_value(); });
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  REQUIRE(gone->get_future().wait_for(patience) == std::future_status::ready);
  actor = {};
}

/// A puppet that ends with its scope, and what it heard.
struct LiveEar {
  explicit LiveEar(LiveSystem& live)
      : actor(live.actors.spawn<Puppet>(
          [inbox = inbox](Puppet&, Puppet::Heard heard) { inbox->put(std::move(heard)); })) {}
  LiveEar(const LiveEar&) = delete;
  LiveEar& operator=(const LiveEar&) = delete;
  ~LiveEar() { end(actor); }

  /// The next message, which must be a `T`.
  template <class T>
  T hear() {
    auto heard = inbox->take();
    REQUIRE(heard.has_value());
    REQUIRE(std::holds_alternative<T>(*heard));
    return std::get<T>(*std::move(heard));
  }

  std::shared_ptr<Inbox<Puppet::Heard>> inbox = std::make_shared<Inbox<Puppet::Heard>>();
  caf::actor actor;
};

/// What a node shows to the network: a listening socket and an actor behind it, which does what
/// `script` says.
class FakeNode {
public:
  using OnCalls = std::function<void(Puppet&, InboundCalls)>;

  FakeNode(LiveSystem& live, Puppet::Script script, const std::string& listen = "127.0.0.1:0",
           const ConnectionLimits& limits = {}, const Beats& beats = {},
           const SlotLimits& slots = {.connections_max = 16})
      : front_(live.actors.spawn<Puppet>(std::move(script))) {
    auto listening = listen_on(listen);
    REQUIRE(std::holds_alternative<Listening>(listening));
    address_ = std::get<Listening>(listening).address;
    acceptor_ = spawn_acceptor(live.actors, std::get<Listening>(std::move(listening)),
                               {.hello = {.node = "fake", .address = address_, .incarnation = 1},
                                .node = front_,
                                .registry = {},
                                .slots = slots,
                                .limits = limits,
                                .beats = beats});
  }
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;
  ~FakeNode() { stop(); }

  void stop() {
    end(acceptor_);
    end(front_);
  }

  const std::string& address() const { return address_; }
  std::string peer(const std::string& name) const { return name + "@" + address_; }
  const caf::actor& acceptor() const { return acceptor_; }

private:
  std::string address_{};
  caf::actor front_;
  caf::actor acceptor_{};
};

/// A script for calls alone.
inline Puppet::Script on_calls(FakeNode::OnCalls script) {
  return [script = std::move(script)](Puppet& self, Puppet::Heard&& heard) {
    if (auto* calls = std::get_if<InboundCalls>(&heard))
      script(self, std::move(*calls));
  };
}

/// Answers every call like this.
inline Puppet::Script refuse_all(Refusal refusal, const std::string& detail = {}) {
  return on_calls([=](Puppet& self, const InboundCalls& inbound) {
    self.answer(inbound, {.refusal = refusal, .detail = detail});
  });
}

inline Bytes bytes(std::string_view text) {
  return Bytes::copy_of(text);
}

/// Where nobody listens.
inline std::string free_address() {
  auto listening = listen_on("127.0.0.1:0");
  REQUIRE(std::holds_alternative<Listening>(listening));
  return std::get<Listening>(listening).address;
}

/// The value of a future that must not take long.
template <class T>
T get(std::future<T> future) {
  REQUIRE(future.wait_for(patience) == std::future_status::ready);
  return future.get();
}

}  // namespace troupe::actors::test
