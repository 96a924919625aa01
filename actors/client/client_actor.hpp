#pragma once

#include "actors/client/call_batches.hpp"
#include "actors/client/client.hpp"
#include "actors/client/client_intake.hpp"
#include "actors/client/client_operation.hpp"
#include "actors/client/leader_guess.hpp"
#include "actors/client/read_spread.hpp"
#include "actors/node/local_node.hpp"
#include "actors/runtime/backlog.hpp"
#include "actors/runtime/caf.hpp"
#include "actors/runtime/io_actor.hpp"
#include "actors/transport/messages.hpp"
#include "core/random.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::actors {

/// A node that a client talks to.
struct Target {
  std::string address{};
  bool is_local = false;                ///< It is in our process: there is no link.
  caf::actor link{};                    ///< Null while there is no reason for one.
  caf::actor connection{};              ///< Null unless the link is up.
  std::vector<OperationPtr> waiting{};  ///< To be sent; some of it may have gone elsewhere since.
  std::size_t operations = 0;           ///< Waiting or sent.
  ClientTime used{};                    ///< When the last of them was answered.
  std::string turned_away{};            ///< Why it had no place for us; empty while it has.
  Duration pause{};                     ///< Before we ask for a place again: the last one...
  ClientTime paused_until{};            ///< ...and when it is over.
};

/// The part of a client that lives among actors: finds leaders, batches calls, and sees to it that
/// each ends in time.
///
/// Where an operation is: in `operations_` until it is answered; in `timers_` once, for as long; in
/// its target's `waiting` or in `pausing_` by its state.
///
/// Lives where its connections do, and the peers of its own node, if it has one: with those it
/// exchanges batches as messages, otherwise as frames.
class ClientActor : public IoActor {
public:
  ClientActor(caf::actor_config& config, const ClientOptions& options,
              std::shared_ptr<ClientShared> shared, std::shared_ptr<ClientIntake> intake,
              LocalNode local);

  caf::behavior make_behavior() override;
  const char* name() const override { return "client"; }
  void on_exit() override;

private:
  // client_actor.cpp: what becomes of each operation.
  void on_intake();
  void on_submit(const OperationPtr& operation);
  void on_use_cluster(const UseCluster& use);
  void on_replies(const std::string& address, wire::CallReplies& replies);
  void on_response(const std::string& address, wire::Response& response);
  void ask_node(const OperationPtr& operation, std::string address, std::string peer);
  void ask_cluster(const OperationPtr& operation);
  void retry(const OperationPtr& operation, Refusal refusal, std::string detail);
  void retry_later(ClientTime at);
  void wait_for_place(const OperationPtr& operation, const Target& target);
  void move_on(const Operation& operation);
  void on_reply(const OperationPtr& operation, wire::CallReply reply, const std::string& leader);
  void learn(const Operation& operation, const std::string& leader);
  void remember(ClusterId cluster, Index index);
  void on_redirect(const OperationPtr& operation, const wire::CallReply& reply);
  void on_lost(const OperationPtr& operation, const std::string& turned_away);
  void on_timer(const OperationPtr& operation, ClientTime now);
  void expire(const OperationPtr& operation);
  void leave_target(Operation& operation);
  /// Takes the operation out of all tables. It is to be answered next.
  void close(Operation& operation);
  OperationPtr find(std::uint64_t id, const std::string& address, bool is_request) const;

  void on_retry(std::uint64_t epoch);
  void arm_timer();
  void on_sweep(std::uint64_t epoch);
  bool is_idle(const Target& target, ClientTime now) const;

  // client_network.cpp: links, and what is sent over them.
  Target& target_at(const std::string& address);
  void drop_link(Target& target);
  void back_off(Target& target, const std::string& why);
  void on_link_up(const LinkUp& up);
  void on_link_down(const LinkDown& down);
  void flush_later();
  void on_flush();
  void flush(Target& target);
  void send_request(Target& target, const OperationPtr& operation);
  void send_calls(Target& target, CallBatches::Packet packet);
  void call_here(CallBatches::Packet packet);

  ClientOptions options_;
  std::shared_ptr<ClientShared> shared_;
  std::shared_ptr<ClientIntake> intake_;
  LocalNode local_;
  SharedRegistry registry_{};  ///< The peers of our own node.
  Backlog backlog_;            ///< Of what our own node was asked.
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, OperationPtr> operations_{};
  std::multimap<ClientTime, Operation*> timers_{};
  std::map<std::string, Target> targets_{};
  std::vector<OperationPtr> pausing_{};
  LeaderGuess guess_{};
  /// The reason why there is nobody to ask, where that is so.
  std::string no_cluster_ = "no cluster to ask: use_cluster was not called";
  ReadSpread spread_{};
  std::map<ClusterId, Index> seen_{};  ///< The largest index in any reply.
  FullName leader_{};                  ///< As last told to `shared_`.
  Duration pause_{};
  bool flush_pending_ = false;
  std::optional<ClientTime> retry_at_{};  ///< When the timer of those that pause will fire.
  std::uint64_t retry_epoch_ = 0;         ///< Of that timer.
  Random random_;
  std::optional<ClientTime> armed_{};  ///< When the timer that counts will fire.
  std::uint64_t epoch_ = 0;            ///< Of that timer.
};

}  // namespace troupe::actors
