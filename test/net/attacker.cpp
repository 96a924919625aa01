/// Somebody who speaks the protocol well and means harm: `troupe_attacker ATTACK HOST:PORT PEER
/// [SECONDS]`. Prints a line of JSON when it is done: what it sent, and what it was told.

#include "test/net/attacker.hpp"

#include "resources/kv_store/kv_store.hpp"
#include "wire/command.hpp"
#include "wire/command_generated.h"
#include "wire/packet.hpp"
#include "wire/packet_generated.h"

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace troupe::attacker {

wire::Calls calls_for(const std::string& peer, wire::CallKind kind) {
  return {.peer = peer, .kind = kind, .level = ReadLevel::linearizable, .calls = {}, .seen = {}};
}

namespace {

Bytes set(const std::string& key, std::size_t bytes = 1) {
  const std::string payload = resources::kv_store::set(key, std::string(bytes, 'v'));
  return wire::encode_command(machine::bytes(payload));
}

/// Small frames without end, and nobody waits for an answer.
void flood(Connection& connection, const std::function<wire::Frame(std::uint64_t)>& frame) {
  for (std::uint64_t id = 1; Clock::now() < connection.end && !connection.is_closed(); ++id)
    connection.send(*frame(id));
}

wire::Calls gets_of_large(const std::string& peer) {
  const Bytes question = Bytes::copy_of(resources::kv_store::get("large"));
  wire::Calls calls = calls_for(peer, wire::CallKind::query);
  constexpr std::size_t frame_bytes = std::size_t{62} << 10;
  for (std::uint64_t id = 1; id * (question.size() + 24) < frame_bytes; ++id)
    calls.calls.push_back({id, question});
  return calls;
}

/// One frame asks for the same large value again and again.
void many_gets(Connection& connection, const std::string& peer) {
  const wire::Calls calls = gets_of_large(peer);
  std::uint64_t asked = 0;
  do {
    connection.send(*wire::encode(calls));
    asked += calls.calls.size();
    connection.await(asked);
  } while (!connection.is_closed() && Clock::now() < connection.end);
}

/// The same without end, and no answer is read.
void unread_gets(Connection& connection, const std::string& peer) {
  const wire::Frame frame = wire::encode(gets_of_large(peer));
  connection.reads = false;
  while (!connection.is_closed() && Clock::now() < connection.end)
    connection.send(*frame);
}

/// Calls without end over many connections, and no refusal is read.
void unread_refusals(Connection& connection, const std::string& peer) {
  wire::Calls calls = calls_for(peer, wire::CallKind::query);
  calls.calls.resize(60'000);
  const wire::Frame frame = wire::encode(calls);
  constexpr int connections = 20;
  std::vector<std::unique_ptr<Connection>> others;
  for (int i = 0; i < connections && Clock::now() < connection.end; ++i) {
    auto& other = *others.emplace_back(std::make_unique<Connection>(connection.address));
    other.reads = false;
    // It stands still when the node reads no more.
    other.end = Clock::now() + std::chrono::milliseconds(150);
    while (!other.is_closed() && Clock::now() < other.end)
      other.send(*frame);
    connection.frames_ += other.frames_;
    connection.sent_bytes_ += other.sent_bytes_;
  }
  connection.await(1);
}

/// Requests for the same large entry.
void large_entries(Connection& connection, const std::string& peer) {
  wire::Calls calls = calls_for(peer, wire::CallKind::command);
  calls.calls.push_back({1, set("entry", std::size_t{2} << 20)});
  connection.send(*wire::encode(calls));
  connection.await(1);
  const wire::AskEntry ask{connection.last_index};
  flood(connection, [&](std::uint64_t id) {
    return wire::encode(wire::Request{.id = id, .peer = peer, .body = ask});
  });
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

/// A frame of many commands alike, of which the peer takes one.
void refused_crowd(Connection& connection, const std::string& peer) {
  constexpr std::size_t count = 1000;
  const Bytes nonsense = Bytes::copy_of(std::string(std::size_t{4} << 10, 'x'));
  for (std::uint64_t id = 1; id <= 300 && !connection.is_closed(); ++id) {
    wire::Calls calls = calls_for(peer, wire::CallKind::command);
    calls.calls.resize(count, {count * id, nonsense});
    calls.calls.front().payload = set("crowd", std::size_t{4} << 10);
    connection.send(*wire::encode(calls));
    connection.await(count * id);
  }
}

/// Frames of commands of which all but one are soon overwritten, and so cleaned from the log.
void survivors(Connection& connection, const std::string& peer) {
  constexpr std::uint64_t count = 1000;
  for (std::uint64_t frame = 1; !connection.is_closed() && Clock::now() < connection.end; ++frame) {
    wire::Calls calls = calls_for(peer, wire::CallKind::command);
    for (std::uint64_t id = 1; id < count; ++id)
      calls.calls.push_back({id, set("overwritten" + std::to_string(id), 4000)});
    calls.calls.push_back({count, set("stays" + std::to_string(frame), 4000)});
    connection.send(*wire::encode(calls));
    connection.await(count * frame);
  }
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

const Attacks attacks = {
    {"many_gets", many_gets},
    {"unread_gets", unread_gets},
    {"unread_refusals", unread_refusals},
    {"large_entries", large_entries},
    {"refused_crowd", refused_crowd},
    {"survivors", survivors},
    {"unreferenced_bytes", unreferenced_bytes},
    {"refused_neighbours", refused_neighbours},
    {"small_calls", small_calls},
    {"small_writes", small_writes},
    {"small_requests", small_requests},
    {"empty_calls", empty_calls},
    {"reserved_fields", reserved_fields},
    {"start_peers", start_peers},
};

const Attack* find(const std::string& name) {
  for (const Attacks* all : {&attacks, &connection_attacks()})
    if (const auto found = all->find(name); found != all->end())
      return &found->second;
  return nullptr;
}

}  // namespace

}  // namespace troupe::attacker

int main(int count, char** words) {
  using namespace troupe::attacker;
  const Attack* attack = find(count > 3 ? words[1] : "");
  if (attack == nullptr) {
    std::fprintf(stderr, "usage: troupe_attacker ATTACK HOST:PORT PEER [SECONDS]\n");
    return 2;
  }
  Connection connection(words[2]);
  connection.end = Clock::now() + std::chrono::seconds(count > 4 ? std::stoi(words[4]) : 10);
  (*attack)(connection, words[3]);
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
