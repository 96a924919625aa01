#pragma once

#include "actors/disk/messages.hpp"
#include "actors/machine/messages.hpp"
#include "actors/peer/messages.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/transport/messages.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::actors::test {

/// An actor system that stands still: actors run on this thread, when told to, and time passes when
/// told to.
struct StillSystem {
  caf::actor_system_config config{};
  std::optional<caf::actor_system> actors{};
  caf::scheduler::test_coordinator* scheduler = nullptr;

  StillSystem() {
    config.set("scheduler.policy", caf::atom("testing"));
    actors.emplace(config);
    scheduler = dynamic_cast<caf::scheduler::test_coordinator*>(&actors->scheduler());
    REQUIRE(scheduler != nullptr);
  }

  void run() { scheduler->run(); }

  /// Small steps: each timer that comes due is answered before the next.
  void pass(std::chrono::milliseconds duration) {
    for (; duration.count() > 0; --duration) {
      scheduler->clock().advance_time(std::chrono::milliseconds(1));
      run();
    }
  }
};

/// What reached an actor that only listens.
struct Heard {
  std::vector<wire::CallReply> replies{};
  std::vector<wire::Response> responses{};
  ClusterId cluster{};   ///< Of the last reply frame,
  std::string leader{};  ///< likewise.
  std::size_t reply_frames = 0;
  std::size_t message_frames = 0;
  std::vector<Message> messages{};
  std::vector<WantLink> links{};
  std::vector<Inquire> inquiries{};
  std::vector<PeerStopped> stopped{};
  std::vector<InboundCalls> calls{};
  std::vector<StoreWritten> written{};
  std::vector<StoreFailed> failed{};
  std::vector<bool> full{};  ///< What each `StoreFull` said.
  std::vector<PeerPut> put{};
  std::vector<PeerRecovered> recovered{};
  std::vector<Applied> applied{};
  std::vector<SaveProgress> progress{};
  std::vector<SnapshotSaved> saved{};
  std::vector<Loaded> loaded{};
  std::vector<ChunkRead> chunks_read{};
  std::vector<ChunkWritten> chunks_written{};
  std::vector<Checked> checked{};
};

/// Stands in for a connection, a node, or a peer: listens to all, says nothing.
class Listener : public caf::event_based_actor {
public:
  Listener(caf::actor_config& config, std::shared_ptr<Heard> heard)
      : caf::event_based_actor(config), heard_(std::move(heard)) {}

  caf::behavior make_behavior() override {
    return {
        [this](const wire::Frame& frame) { on_frame(frame); },
        [this](const wire::CallReplies& replies) { on_replies(replies); },
        [this](const wire::Response& response) { heard_->responses.push_back(response); },
        [this](InboundMessages& inbound) {
          for (Message& message : inbound.messages)
            heard_->messages.push_back(std::move(message));
        },
        [this](const WantLink& message) { heard_->links.push_back(message); },
        [this](const Inquire& message) { heard_->inquiries.push_back(message); },
        [this](const PeerStopped& message) { heard_->stopped.push_back(message); },
        [this](const InboundCalls& message) { heard_->calls.push_back(message); },
        [this](const StoreWritten& message) { heard_->written.push_back(message); },
        [this](const StoreFailed& message) { heard_->failed.push_back(message); },
        [this](const StoreFull& message) { heard_->full.push_back(message.full); },
        [this](const PeerPut& message) { heard_->put.push_back(message); },
        [this](const PeerRecovered& message) { heard_->recovered.push_back(message); },
        [this](const Applied& message) { heard_->applied.push_back(message); },
        [this](const SaveProgress& message) { heard_->progress.push_back(message); },
        [this](const SnapshotSaved& message) { heard_->saved.push_back(message); },
        [this](const Loaded& message) { heard_->loaded.push_back(message); },
        [this](const ChunkRead& message) { heard_->chunks_read.push_back(message); },
        [this](const ChunkWritten& message) { heard_->chunks_written.push_back(message); },
        [this](const Checked& message) { heard_->checked.push_back(message); },
        [this](const Stop&) { quit(); },
        ignore<WantRegistry>(),
    };
  }

private:
  void on_frame(const wire::Frame& frame) {
    const Bytes body(frame, std::span(*frame).subspan(wire::frame_head_bytes));
    auto packet = wire::decode(body);
    REQUIRE(packet);
    if (const auto* messages = std::get_if<wire::PeerMessages>(&*packet)) {
      ++heard_->message_frames;
      for (const Message& message : messages->messages)
        heard_->messages.push_back(message);
    }
  }

  void on_replies(const wire::CallReplies& replies) {
    ++heard_->reply_frames;
    heard_->cluster = replies.cluster;
    heard_->leader = replies.leader;
    for (const wire::CallReply& reply : replies.replies)
      heard_->replies.push_back(reply);
  }

  std::shared_ptr<Heard> heard_;
};

/// A listener that ends with its scope.
struct Ear {
  explicit Ear(StillSystem& stage) : still(stage), actor(still.actors->spawn<Listener>(heard)) {}
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;
  ~Ear() {
    send_from_outside(actor, Stop{});
    still.run();
  }

  StillSystem& still;
  std::shared_ptr<Heard> heard = std::make_shared<Heard>();
  caf::actor actor;

  Heard* operator->() const { return heard.get(); }
};

}  // namespace troupe::actors::test
