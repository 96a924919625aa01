#include "actors/runtime/replies.hpp"

#include <memory>

namespace troupe::actors {
namespace {

/// Where a frame of replies ends and the next begins.
constexpr std::size_t frame_bytes_goal = std::size_t{1} << 20;

/// The largest value that a client can be sent: what fits one frame, with room for its head.
constexpr std::size_t value_bytes_max = wire::frame_body_bytes_max - 4096;

/// What a reply without its texts and value takes in a frame.
constexpr std::size_t reply_head_bytes = 64;

/// Smaller values are not counted one by one: they are bounded by the number of calls.
constexpr std::size_t counted_bytes_min = 256;

wire::CallReply too_large(std::uint64_t id, Index index) {
  // Not `Refusal::too_large`: a command with such a reply has happened.
  return {.id = id,
          .refusal = Refusal::resource,
          .detail = "reply_too_large",
          .index = index,
          .value = {}};
}

std::size_t size_bytes(const wire::CallReply& reply) {
  return reply_head_bytes + reply.detail.size() + reply.value.size();
}

/// `head` is a packet without replies.
void append_packets(const wire::CallReplies& head, const caf::actor& connection,
                    std::vector<wire::CallReply> replies,
                    std::vector<std::pair<caf::actor, wire::CallReplies>>& packets) {
  wire::CallReplies packet = head;
  std::size_t bytes = 0;
  for (wire::CallReply& reply : replies) {
    const std::size_t more = size_bytes(reply);
    if (!packet.replies.empty() && bytes + more > frame_bytes_goal) {
      packets.emplace_back(connection, std::exchange(packet, head));
      bytes = 0;
    }
    bytes += more;
    packet.replies.push_back(std::move(reply));
  }
  if (!packet.replies.empty())
    packets.emplace_back(connection, std::move(packet));
}

}  // namespace

Bytes to_bytes(std::string text) {
  if (text.empty())
    return {};
  auto owner = std::make_shared<const std::string>(std::move(text));
  const auto* data = reinterpret_cast<const std::uint8_t*>(owner->data());
  const std::size_t size = owner->size();
  return {std::move(owner), {data, size}};
}

wire::CallReply call_reply(std::uint64_t id, machine::Reply reply, Index index,
                           const Ticket& ticket) {
  if (!reply.error.empty())
    return {.id = id,
            .refusal = Refusal::resource,
            .detail = std::move(reply.error),
            .index = index,
            .value = {}};
  const bool counts = ticket && reply.value.size() >= counted_bytes_min;
  if (reply.value.size() > value_bytes_max || (counts && !ticket->has_room()))
    return too_large(id, index);
  return {
      .id = id,
      .refusal = Refusal::none,
      .detail = {},
      .index = index,
      .value = counts ? ticket->charged(std::move(reply.value)) : to_bytes(std::move(reply.value))};
}

wire::Response refused(std::uint64_t id, Refusal refusal, std::string detail) {
  return {.id = id, .refusal = refusal, .detail = std::move(detail), .body = {}};
}

void Replies::refuse(const caf::actor& connection, const std::vector<wire::Call>& calls,
                     Refusal refusal, const std::string& detail) {
  std::vector<wire::CallReply>& replies = to(connection);
  for (const wire::Call& call : calls)
    replies.push_back(
        {.id = call.id, .refusal = refusal, .detail = detail, .index = {}, .value = {}});
}

std::vector<std::pair<caf::actor, wire::CallReplies>> Replies::take() {
  const wire::CallReplies head{.replies = {}, .cluster = cluster_, .leader = leader_};
  std::vector<std::pair<caf::actor, wire::CallReplies>> packets;
  for (auto& [connection, replies] : std::exchange(waiting_, {}))
    append_packets(head, connection, std::move(replies), packets);
  return packets;
}

}  // namespace troupe::actors
