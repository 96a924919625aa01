#include "actors/transport/acceptor.hpp"

#include "actors/runtime/logger.hpp"

#include <utility>

namespace troupe::actors {
namespace {

struct Look {};

constexpr std::chrono::seconds look_interval{1};

}  // namespace
}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Look)

namespace troupe::actors {

Acceptor::Acceptor(caf::actor_config& config, AcceptorOptions options, SharedSocket socket)
    : IoActor(config),
      options_(std::move(options)),
      socket_(std::move(socket)),
      slots_(std::make_shared<ConnectionSlots>(options_.slots)),
      half_frames_(std::make_shared<HalfFrames>(options_.limits.half_frame_bytes_max)),
      node_backlog_(std::make_shared<NodeBacklog>()) {
  node_backlog_->bytes_max = options_.limits.node_unanswered_bytes_max;
  node_backlog_->answer_bytes_max = options_.limits.node_answer_bytes_max;
}

caf::behavior Acceptor::make_behavior() {
  outlive_errors(this);
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  set_exit_handler([this](const caf::exit_msg& end) { on_end(end); });
  listener_ = spawn<Listener, caf::detached>(socket_, caf::actor_cast<caf::actor>(this), slots_);
  monitor(listener_);
  return {
      [this](Accepted& accepted) { on_accepted(accepted); },
      [this](const AcceptingPaused& paused) {
        log(LogLevel::warning, "accepting_paused",
            {{"address", options_.hello.address}, LogField::own("why", paused.why)});
      },
      [this](const AcceptingResumed&) {
        log(LogLevel::info, "accepting_resumed", {{"address", options_.hello.address}});
      },
      [this](const Look&) { on_look(); },
      [this](const SharedRegistry& registry) { on_registry(registry); },
  };
}

void Acceptor::on_exit() {
  if (socket_)
    shut_down(socket_->fd());
  socket_.reset();
  listener_ = {};
  options_.node = {};
  options_.registry.reset();
  connections_.clear();
}

ConnectionOptions Acceptor::connection_options() const {
  return {.direction = Direction::incoming,
          .address = {},
          .hello = options_.hello,
          .owner = options_.node,
          .registry = options_.registry,
          .opener = {},
          .overflow = Overflow::close,
          .limits = options_.limits,
          .half_frames = half_frames_,
          .slots = slots_,
          .node_backlog = node_backlog_,
          .beats = options_.beats};
}

void Acceptor::on_accepted(Accepted& accepted) {
  ConnectionOptions options = connection_options();
  options.source = std::move(accepted.source);
  caf::actor connection =
      spawn_connection(system(), std::move(options), std::move(accepted.socket));
  monitor(connection);
  connections_.insert(std::move(connection));
  look_later();
}

void Acceptor::look_later() {
  if (!connections_.empty() && !std::exchange(look_pending_, true))
    send_after(this, look_interval, this, Look{});
}

/// One timer for all connections: those on which nothing is said cost nothing.
void Acceptor::on_look() {
  look_pending_ = false;
  for (const caf::actor& silent : slots_->look(clock().now()))
    actors::send(this, silent, GiveWay{"nothing was asked"});
  look_later();
}

void Acceptor::on_registry(const SharedRegistry& registry) {
  options_.registry = registry;
  for (const caf::actor& connection : connections_)
    actors::send(this, connection, registry);
}

void Acceptor::on_down(const caf::down_msg& down) {
  const auto who = caf::actor_cast<caf::actor>(down.source);
  if (who == listener_)
    log(LogLevel::error, "acceptor_closed", {{"address", options_.hello.address}});
  slots_->leave(down.source.id());
  connections_.erase(who);
}

void Acceptor::on_end(const caf::exit_msg& end) {
  // At once, so that the address is free when we are gone.
  shut_down(socket_->fd());
  for (const caf::actor& connection : connections_)
    send_exit(connection, end.reason);
  quit(end.reason);
}

caf::actor spawn_acceptor(caf::actor_system& system, Listening listening, AcceptorOptions options) {
  return system.spawn<Acceptor>(std::move(options),
                                std::make_shared<Socket>(std::move(listening.socket)));
}

}  // namespace troupe::actors
