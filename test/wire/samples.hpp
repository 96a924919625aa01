#pragma once

#include "wire/packet.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::wire {

inline Entry entry(std::uint64_t term, std::uint64_t index, std::string_view payload) {
  return {.id = {{term}, {index}}, .kind = EntryKind::command, .payload = Bytes::copy_of(payload)};
}

inline Message message(Body body) {
  return {.cluster = {77}, .from = {1}, .to = {2}, .term = {5}, .body = std::move(body)};
}

inline AppendRequest append_request() {
  AppendRequest request{.previous = {{3}, {10}}, .commit = {9}, .read = {4}};
  request.members = Bytes::copy_of("who is in the cluster");
  request.floor = {8};
  request.horizon = {7};
  request.acknowledged = {{2}, {6}};
  request.entries = {entry(3, 11, "a"), entry(4, 12, ""), entry(5, 13, "a longer payload")};
  request.entries[1].kind = EntryKind::noop;
  return request;
}

inline Configuration joint_configuration() {
  return {.voters = {{{1}, "peer1", "127.0.0.1:4001"}, {{2}, "peer2", "127.0.0.1:4002"}},
          .old_voters = {{{1}, "peer1", "127.0.0.1:4001"}},
          .learners = {{{3}, "peer3", "[::1]:4003"}},
          .standbys = {{{4}, "peer4", "[::1]:4004"}},
          .keep = {.count = 3, .after = std::chrono::seconds(30)}};
}

inline PeerStatus peer_status() {
  return {.name = "peer1@127.0.0.1:4001",
          .kind = "map",
          .role = Role::leader,
          .leader = "peer1@127.0.0.1:4001",
          .term = {5},
          .commit = {12},
          .applied = {11},
          .last = {{5}, {13}},
          .configuration = joint_configuration(),
          .configuration_index = {7},
          .store_bytes = 123456,
          .first = {4},
          .holes = 3,
          .cleaned_upto = {10},
          .log_bytes = 900,
          .snapshot = {{4}, {9}},
          .snapshot_bytes = 7000,
          .taking = SnapshotProgress{{11}, 30},
          .receiving = SnapshotProgress{{12}, 100},
          .followers = {{.name = "peer2@127.0.0.1:4002",
                         .match = {3},
                         .next = {4},
                         .pace = Pace::snapshot,
                         .in_flight_bytes = 5,
                         .heard_ms = 6,
                         .snapshot_sent = 7,
                         .snapshot_bytes = 8,
                         .set_back = true,
                         .acknowledged = {9},
                         .disk_lost = true}},
          .cluster = {99},
          .changing = true,
          .lease_ms = 120,
          .read_rounds = 77,
          .disk_stalls = true,
          .disk_full = true,
          .set_back = true};
}

/// One of each packet, and of each alternative in it.
std::vector<Packet> samples();

/// The body of the one frame that `packet` makes.
inline Bytes body_of(const Packet& packet) {
  const Frame frame = encode(packet);
  return {frame, std::span(*frame).subspan(frame_head_bytes)};
}

}  // namespace troupe::wire
