#pragma once

#include "actors/runtime/caf.hpp"
#include "actors/runtime/io_actor.hpp"
#include "actors/transport/connection.hpp"
#include "actors/transport/listener.hpp"
#include "actors/transport/messages.hpp"
#include "actors/transport/socket.hpp"

#include <cstddef>
#include <memory>
#include <set>

namespace troupe::actors {

struct AcceptorOptions {
  wire::Hello hello{};  ///< What every connection says first.
  caf::actor node{};    ///< See `ConnectionOptions::owner`.
  SharedRegistry registry{};
  SlotLimits slots{};
  ConnectionLimits limits{};
  Beats beats{};
};

/// Takes connections on a listening socket and gives each its own actor. Takes `SharedRegistry`,
/// for present and future connections. Its exit ends them all.
///
///   auto listening = listen_on("127.0.0.1:0");   // An error is a text.
///   auto acceptor = spawn_acceptor(system, std::get<Listening>(std::move(listening)), options);
class Acceptor : public IoActor {
public:
  Acceptor(caf::actor_config& config, AcceptorOptions options, SharedSocket socket);

  caf::behavior make_behavior() override;
  const char* name() const override { return "acceptor"; }
  void on_exit() override;

private:
  void on_accepted(Accepted& accepted);
  void on_look();
  void look_later();
  void on_registry(const SharedRegistry& registry);
  void on_down(const caf::down_msg& down);
  void on_end(const caf::exit_msg& end);
  ConnectionOptions connection_options() const;

  AcceptorOptions options_;
  SharedSocket socket_;
  caf::actor listener_{};
  std::set<caf::actor> connections_{};
  std::shared_ptr<ConnectionSlots> slots_;
  std::shared_ptr<HalfFrames> half_frames_;
  bool look_pending_ = false;
  std::shared_ptr<NodeBacklog> node_backlog_;
};

caf::actor spawn_acceptor(caf::actor_system& system, Listening listening, AcceptorOptions options);

}  // namespace troupe::actors
