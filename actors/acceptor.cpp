#include "actors/acceptor.hpp"

#include "actors/logger.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

namespace troupe::actors {

namespace {

/// For the store, links and whatever else the program opens.
constexpr std::size_t reserved_files = 64;

/// Beyond what the process may open, accepting fails again and again and keeps the thread busy.
std::size_t connections_allowed(std::size_t wanted) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return wanted;
  const std::size_t open_max = std::max<std::size_t>(files.rlim_cur, 2 * reserved_files);
  return std::min(wanted, open_max - reserved_files);
}

}  // namespace

Acceptor::Acceptor(caf::actor_config& config, AcceptorOptions options, SharedSocket socket)
    : Broker(config),
      options_(std::move(options)),
      socket_(std::move(socket)),
      connections_max_(connections_allowed(options_.connections_max)),
      half_frames_(std::make_shared<HalfFrames>(options_.limits.half_frame_bytes_max)) {}

caf::behavior Acceptor::make_behavior() {
  outlive_errors(this);
  fd_ = socket_->release();
  socket_.reset();
  add_doorman(fd_);
  set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  set_exit_handler([this](const caf::exit_msg& end) { on_end(end); });
  return {
      [this](const caf::io::new_connection_msg& accepted) { on_connection(accepted); },
      [this](const caf::io::acceptor_closed_msg&) {
        log(LogLevel::error, "acceptor_closed", {{"address", options_.hello.address}});
      },
      [this](const SharedRegistry& registry) { on_registry(registry); },
  };
}

void Acceptor::on_exit() {
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
          .beats = options_.beats};
}

void Acceptor::on_connection(const caf::io::new_connection_msg& accepted) {
  if (connections_.size() >= connections_max_) {
    log(LogLevel::warning, "too_many_connections", {{"connections_max", connections_max_}});
    shut_down(static_cast<int>(accepted.handle.id()));
    close(accepted.handle);
    return;
  }
  caf::actor connection = fork_connection(this, connection_options(), accepted.handle);
  monitor(connection);
  connections_.insert(std::move(connection));
}

void Acceptor::on_registry(const SharedRegistry& registry) {
  options_.registry = registry;
  for (const caf::actor& connection : connections_)
    actors::send(this, connection, registry);
}

void Acceptor::on_down(const caf::down_msg& down) {
  connections_.erase(caf::actor_cast<caf::actor>(down.source));
}

void Acceptor::on_end(const caf::exit_msg& end) {
  // At once, so that the address is free when we are gone.
  shut_down(fd_);
  for (const caf::actor& connection : connections_)
    send_exit(connection, end.reason);
  quit(end.reason);
}

caf::actor spawn_acceptor(caf::actor_system& system, Listening listening, AcceptorOptions options) {
  caf::actor_config config{&system.middleman().backend()};
  return system.spawn_class<Acceptor, caf::no_spawn_options>(
      config, std::move(options), std::make_shared<Socket>(std::move(listening.socket)));
}

}  // namespace troupe::actors
