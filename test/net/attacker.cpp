/// Somebody who speaks the protocol well and means harm: `troupe_attacker ATTACK HOST:PORT PEER
/// [SECONDS]`. Prints a line of JSON when it is done: what it sent, and what it was told.

#include "resources/kv_store/kv_store.hpp"
#include "wire/command.hpp"
#include "wire/command_generated.h"
#include "wire/packet.hpp"
#include "wire/packet_generated.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace troupe;
using Clock = std::chrono::steady_clock;

/// A connection that sends as fast as it may and reads whatever comes meanwhile.
class Connection {
public:
  explicit Connection(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    closed_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0;
    send(*wire::encode(wire::Hello{}));
    wait(0);
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::span<const std::uint8_t> bytes) {
    ++frames_;
    while (!bytes.empty() && !closed_) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
        sent_bytes_ += static_cast<std::uint64_t>(sent);
      } else if (errno != EAGAIN) {
        closed_ = true;
      }
      wait(bytes.empty() ? 0 : 100, POLLIN | POLLOUT);
      if (Clock::now() > end)
        return;
    }
  }

  /// Until the other side has answered so many calls and requests, or closes, or the time is over.
  void await(std::uint64_t answers) {
    while (answers_ < answers && !closed_ && Clock::now() < end)
      wait(100);
  }

  bool is_closed() const { return closed_; }
  std::uint64_t answers() const { return answers_; }
  std::map<std::string, std::uint64_t> told{};  ///< How often which refusal came.

  std::uint64_t frames_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  Clock::time_point end = Clock::time_point::max();

private:
  /// Reads what is there, waiting for it, or for the time to send, so many milliseconds.
  void wait(int milliseconds, short events = POLLIN) {
    pollfd waiting{.fd = fd_, .events = events, .revents = 0};
    if (closed_ || ::poll(&waiting, 1, milliseconds) <= 0 || (waiting.revents & POLLOUT) != 0)
      if ((waiting.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
        return;
    static std::array<char, std::size_t{1} << 18> buffer;
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN))
      closed_ = true;
    if (count <= 0)
      return;
    received_bytes_ += static_cast<std::uint64_t>(count);
    std::vector<Bytes> bodies;
    if (cutter_.take({buffer.data(), static_cast<std::size_t>(count)}, bodies))
      closed_ = true;
    for (const Bytes& body : bodies)
      note(body);
  }

  void note(const Bytes& body) {
    const auto packet = wire::decode(body);
    if (!packet)
      return;
    if (const auto* replies = std::get_if<wire::CallReplies>(&*packet)) {
      for (const wire::CallReply& reply : replies->replies)
        note(reply.refusal, reply.detail);
    } else if (const auto* response = std::get_if<wire::Response>(&*packet)) {
      note(response->refusal, response->detail);
    }
  }

  void note(Refusal refusal, const std::string& detail) {
    ++answers_;
    if (refusal == Refusal::none)
      return void(++told["ok"]);
    const bool of_interest = refusal == Refusal::invalid || refusal == Refusal::resource;
    ++told[std::string(name(refusal)) + (of_interest ? " " + detail : "")];
  }

  int fd_;
  bool closed_ = false;
  std::uint64_t answers_ = 0;
  wire::FrameCutter cutter_{};
};

wire::Calls calls_for(const std::string& peer, wire::CallKind kind) {
  return {.peer = peer, .kind = kind, .level = ReadLevel::linearizable, .calls = {}, .seen = {}};
}

Bytes set(const std::string& key, std::size_t bytes = 1) {
  const std::string payload = resources::kv_store::set(key, std::string(bytes, 'v'));
  return wire::encode_command(machine::bytes(payload));
}

/// One frame asks for the same large value again and again.
void many_gets(Connection& connection, const std::string& peer) {
  const Bytes question = Bytes::copy_of(resources::kv_store::get("large"));
  wire::Calls calls = calls_for(peer, wire::CallKind::query);
  constexpr std::size_t frame_bytes = std::size_t{62} << 10;
  for (std::uint64_t id = 1; id * (question.size() + 24) < frame_bytes; ++id)
    calls.calls.push_back({id, question});
  std::uint64_t asked = 0;
  do {
    connection.send(*wire::encode(calls));
    asked += calls.calls.size();
    connection.await(asked);
  } while (!connection.is_closed() && Clock::now() < connection.end);
}

/// Bytes that no field refers to, in front of a tiny command that goes into the log.
void unreferenced_bytes(Connection& connection, const std::string& peer) {
  constexpr std::size_t junk_bytes = std::size_t{4} << 20;
  for (std::uint64_t id = 1; id <= 300 && !connection.is_closed(); ++id) {
    flatbuffers::FlatBufferBuilder builder(junk_bytes + 4096);
    builder.CreateVector(std::vector<std::uint8_t>(junk_bytes, 7));
    const Bytes command = set("tiny" + std::to_string(id));
    std::string padded(command.text());
    padded.resize((padded.size() + 7) / 8 * 8);
    builder.ForceVectorAlignment(padded.size(), 1, 8);
    const auto blob =
        builder.CreateVector(reinterpret_cast<const std::uint8_t*>(padded.data()), padded.size());
    const wire::schema::CallHead head(id, static_cast<std::uint32_t>(command.size()));
    const auto heads = builder.CreateVectorOfStructs(&head, 1);
    const auto calls = wire::schema::CreateCalls(
        builder, builder.CreateString(peer), wire::schema::CallKind::command,
        wire::schema::ReadLevel::linearizable, heads, blob);
    wire::schema::FinishPacketBuffer(
        builder,
        wire::schema::CreatePacket(builder, wire::schema::PacketBody::Calls, calls.Union()));
    connection.send(*wire::make_frame({builder.GetBufferPointer(), builder.GetSize()}));
    connection.await(id);
  }
}

/// A tiny command beside a large one that no peer takes: the frame is as large as both.
void refused_neighbours(Connection& connection, const std::string& peer) {
  for (std::uint64_t id = 1; id <= 300 && !connection.is_closed(); ++id) {
    wire::Calls calls = calls_for(peer, wire::CallKind::command);
    calls.calls.push_back({2 * id, Bytes::copy_of(std::string(std::size_t{4} << 20, 'x'))});
    calls.calls.push_back({2 * id + 1, set("tiny" + std::to_string(id))});
    connection.send(*wire::encode(calls));
    connection.await(2 * id);
  }
}

/// Small frames without end, and nobody waits for an answer.
void flood(Connection& connection, const std::function<wire::Frame(std::uint64_t)>& frame) {
  for (std::uint64_t id = 1; Clock::now() < connection.end && !connection.is_closed(); ++id)
    connection.send(*frame(id));
}

void small_calls(Connection& connection, const std::string& peer) {
  flood(connection, [&](std::uint64_t id) {
    wire::Calls calls = calls_for(peer, wire::CallKind::query);
    calls.calls.push_back({id, Bytes::copy_of(resources::kv_store::get("k"))});
    return wire::encode(calls);
  });
}

void small_writes(Connection& connection, const std::string& peer) {
  flood(connection, [&](std::uint64_t id) {
    wire::Calls calls = calls_for(peer, wire::CallKind::command);
    calls.calls.push_back({id, set("k")});
    return wire::encode(calls);
  });
}

void small_requests(Connection& connection, const std::string& peer) {
  flood(connection, [&](std::uint64_t id) {
    return wire::encode(wire::Request{.id = id, .peer = peer, .body = wire::AskStatus{}});
  });
}

/// As many calls as a frame can hold: they are larger when they are unpacked.
void empty_calls(Connection& connection, const std::string& peer) {
  wire::Calls calls = calls_for(peer, wire::CallKind::query);
  calls.calls.resize(900'000);
  for (int i = 0; i < 5 && !connection.is_closed(); ++i) {
    connection.send(*wire::encode(calls));
    connection.await(connection.answers() + calls.calls.size());
  }
}

/// A command with fields that mean nothing yet.
void reserved_fields(Connection& connection, const std::string& peer) {
  const std::string payload = resources::kv_store::set("reserved", "v");
  for (std::uint64_t id = 1; id <= 3; ++id) {
    flatbuffers::FlatBufferBuilder builder;
    builder.ForceVectorAlignment(payload.size(), 1, 8);
    const auto bytes =
        builder.CreateVector(reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size());
    const auto resource =
        id == 3 ? builder.CreateString("other") : flatbuffers::Offset<flatbuffers::String>{};
    wire::schema::FinishCommandBuffer(
        builder,
        wire::schema::CreateCommand(builder, id == 1 ? 7 : 0, id == 2 ? 7 : 0, resource, bytes));
    wire::Calls calls = calls_for(peer, wire::CallKind::command);
    calls.calls.push_back(
        {id, Bytes::copy_of(std::span(builder.GetBufferPointer(), builder.GetSize()))});
    connection.send(*wire::encode(calls));
    connection.await(id);
  }
}

/// One peer after the other.
void start_peers(Connection& connection, const std::string&) {
  constexpr std::uint64_t peers = 2100;
  for (std::uint64_t id = 1; id <= peers; ++id) {
    connection.send(*wire::encode(wire::Request{.id = id,
                                                .peer = "stranger" + std::to_string(id),
                                                .body = wire::StartPeer{"kv_store", {}}}));
    connection.await(id);
  }
}

using Attack = void (*)(Connection&, const std::string&);
const std::map<std::string, Attack> attacks = {
    {"many_gets", many_gets},
    {"unreferenced_bytes", unreferenced_bytes},
    {"refused_neighbours", refused_neighbours},
    {"small_calls", small_calls},
    {"small_writes", small_writes},
    {"small_requests", small_requests},
    {"empty_calls", empty_calls},
    {"reserved_fields", reserved_fields},
    {"start_peers", start_peers},
};

}  // namespace

int main(int count, char** words) {
  const auto attack = attacks.find(count > 3 ? words[1] : "");
  if (attack == attacks.end()) {
    std::fprintf(stderr, "usage: troupe_attacker ATTACK HOST:PORT PEER [SECONDS]\n");
    return 2;
  }
  Connection connection(words[2]);
  connection.end = Clock::now() + std::chrono::seconds(count > 4 ? std::stoi(words[4]) : 10);
  attack->second(connection, words[3]);
  std::string told;
  for (const auto& [what, how_often] : connection.told)
    told += (told.empty() ? "" : ", ") + ("\"" + what) + "\": " + std::to_string(how_often);
  std::printf(
      "{\"frames\": %llu, \"sent\": %llu, \"received\": %llu, \"closed\": %s, "
      "\"told\": {%s}}\n",
      static_cast<unsigned long long>(connection.frames_),
      static_cast<unsigned long long>(connection.sent_bytes_),
      static_cast<unsigned long long>(connection.received_bytes_),
      connection.is_closed() ? "true" : "false", told.c_str());
}
