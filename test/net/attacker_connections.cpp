#include "test/net/attacker.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace troupe::attacker {
namespace {

using Connections = std::vector<std::unique_ptr<Connection>>;

Connection& add(Connections& to, const std::string& address, const wire::Hello& hello = {}) {
  return *to.emplace_back(std::make_unique<Connection>(address, hello));
}

/// So many say hello and nothing else, all at one time.
void idle_connections(Connection& connection, const std::string&) {
  constexpr std::size_t count = 5000;
  Connections others;
  while (others.size() < count && Clock::now() < connection.end) {
    add(others, connection.address);
    ++connection.frames_;
  }
  connection.told["opened"] = others.size();
  while (Clock::now() < connection.end)
    connection.await(1);
}

/// The id of the peer, and of its cluster.
wire::Identity identity_of(Connection& connection, const std::string& peer) {
  connection.send(*wire::encode(wire::Request{.id = 1, .peer = peer, .body = wire::AskIdentity{}}));
  connection.await(1);
  const auto* identity = std::get_if<wire::Identity>(&connection.last_response.body);
  return identity == nullptr ? wire::Identity{} : *identity;
}

/// Each says that it is another node, at an address where nobody listens, with a peer that wants
/// to be answered.
void forged_hellos(Connection& connection, const std::string& peer) {
  const wire::Identity target = identity_of(connection, peer);
  constexpr std::uint64_t count = 1000;
  Connections others;
  for (std::uint64_t i = 1; i <= count && Clock::now() < connection.end; ++i) {
    const std::string name = "forged" + std::to_string(i);
    Connection& other = add(others, connection.address,
                            {.node = name, .address = "127.0.0.9:" + std::to_string(10'000 + i)});
    wire::PeerMessages packet;
    packet.messages.push_back({.cluster = target.cluster,
                               .from = {1'000'000 + i},
                               .to = target.id,
                               .term = target.term,
                               .body = PreVoteRequest{}});
    other.send(*wire::encode(packet));
    connection.frames_ += 2;
  }
  connection.told["hellos"] = others.size();
  while (Clock::now() < connection.end)
    connection.await(2);
}

/// Two hellos, and one from an address that is none: each is refused, and is worth a line of the
/// log.
void noisy_hellos(Connection& connection, const std::string&) {
  const std::string long_name(250, 'n');
  while (Clock::now() < connection.end) {
    Connection twice(connection.address);
    twice.send(*wire::encode(wire::Hello{.node = long_name}));
    Connection odd(connection.address, {.node = long_name, .address = std::string(250, ' ')});
    for (Connection* each : {&twice, &odd}) {
      each->end = Clock::now() + std::chrono::milliseconds(100);
      each->await(1);
      connection.frames_ += each->frames_;
      connection.sent_bytes_ += each->sent_bytes_;
    }
    connection.told["connections"] += 2;
  }
}

/// The largest frame but for its last bytes: six of them are more than a node holds. Meanwhile
/// somebody brings twelve megabytes, at eight a second.
void half_frames(Connection& connection, const std::string& peer) {
  constexpr std::size_t half_bytes = std::size_t{15} << 20;
  constexpr std::size_t upload_bytes = std::size_t{12} << 20;
  constexpr std::size_t step_bytes = std::size_t{128} << 10;
  constexpr std::chrono::microseconds step{15'625};
  std::vector<std::uint8_t> half(half_bytes + 8);
  const std::uint32_t promised = std::uint32_t{16} << 20;
  std::memcpy(half.data(), &promised, sizeof(promised));

  Connections others;
  for (int i = 0; i < 6; ++i)
    add(others, connection.address).send(half);
  wire::Calls calls = calls_for(peer, wire::CallKind::command);
  calls.calls.push_back({1, Bytes::copy_of(std::string(upload_bytes, 'u'))});
  const wire::Frame frame = wire::encode(calls);
  const Clock::time_point began = Clock::now();
  Clock::time_point next = began;
  for (std::size_t from = 0; from < frame->size() && !connection.is_closed(); from += step_bytes) {
    connection.send(std::span(*frame).subspan(from, std::min(step_bytes, frame->size() - from)));
    // The others come on, too, as slowly as can be, and come again when they are closed.
    for (auto& other : others) {
      if (other->is_closed()) {
        other = std::make_unique<Connection>(connection.address);
        other->send(half);
      } else if (from % (std::size_t{4} << 20) == 0) {
        other->send(std::span(half).first(1));
      }
    }
    next += step;
    while (Clock::now() < next)
      ::poll(nullptr, 0, 1);
  }
  connection.await(1);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
  connection.told[connection.answers() > 0 ? "upload_ms" : "upload_cut_ms"] =
      static_cast<std::uint64_t>(took.count());
}

}  // namespace

const Attacks& connection_attacks() {
  static const Attacks all = {{"idle_connections", idle_connections},
                              {"forged_hellos", forged_hellos},
                              {"noisy_hellos", noisy_hellos},
                              {"half_frames", half_frames}};
  return all;
}

}  // namespace troupe::attacker
