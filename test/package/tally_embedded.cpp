// A node and a client in the program's own actor system, from public headers alone.

#include "core/types.hpp"
#include "tally_kind.hpp"

#include <troupe/cluster_actor.hpp>

#include <chrono>
#include <cstdio>
#include <variant>

using namespace std::chrono_literals;

int main(int, char** argv) {
  [[maybe_unused]] const OfTheProgram ours{};
  caf::actor_system_config config;
  troupe::configure(config);
  caf::actor_system system(config);
  troupe::NodeOptions options;
  options.name = "a";
  options.listen = "127.0.0.1:0";
  options.directory = argv[1];
  options.kinds = troupe::kinds({tally_kind()});
  const auto started = troupe::Node::start(system, std::move(options));
  if (!started) {
    std::puts(started.detail().c_str());
    return 1;
  }
  const troupe::ClusterActor cluster =
      troupe::spawn_cluster_actor(system, **started, {"nobody@" + (*started)->address()});
  caf::scoped_actor self(system);
  bool refused = false;
  self->request(cluster, 10s, troupe::CommandRequest{troupe::Bytes::copy_of("add")})
      .receive(
          [&](const troupe::CallReply& reply) {
            refused = reply.refusal == troupe::Refusal::no_peer;
          },
          [](const caf::error&) {});
  self->send_exit(cluster, caf::exit_reason::user_shutdown);
  return refused ? 0 : 1;
}
