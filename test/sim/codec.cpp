#include "test/sim/codec.hpp"

#include "test/sim/trace.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace troupe::sim {

namespace {

/// What a message says that its text does not tell.
struct Untold {
  Time sent_at{};
  Duration promised{};
  std::uint64_t boot = 0;
  friend bool operator==(const Untold&, const Untold&) = default;
};

Untold untold(const Message& message) {
  if (const auto* request = std::get_if<AppendRequest>(&message.body))
    return {.sent_at = request->sent_at};
  if (const auto* response = std::get_if<AppendResponse>(&message.body))
    return {.sent_at = response->sent_at, .promised = response->promised};
  if (const auto* request = std::get_if<ReadIndexRequest>(&message.body))
    return {.boot = request->boot};
  if (const auto* response = std::get_if<ReadIndexResponse>(&message.body))
    return {.boot = response->boot};
  return {};
}

}  // namespace

std::string refused_by_codec(const Message& message) {
  const wire::Frame frame = wire::encode(wire::PeerMessages{{message}});
  std::vector<Bytes> bodies;
  const std::span<const char> arrived{reinterpret_cast<const char*>(frame->data()), frame->size()};
  if (auto problem = wire::FrameCutter().take(arrived, bodies))
    return *std::move(problem);
  const Result<wire::Packet> packet = wire::decode(bodies.at(0));
  if (!packet)
    return packet.detail();
  const auto* messages = std::get_if<wire::PeerMessages>(&*packet);
  const bool same = messages != nullptr && messages->messages.size() == 1
                    && text(messages->messages[0]) == text(message)
                    && untold(messages->messages[0]) == untold(message);
  return same ? std::string{} : "it arrives as another";
}

}  // namespace troupe::sim
