#include "test/sim/codec.hpp"

#include "wire/packet.hpp"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace troupe::sim {

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
  const bool same =
      messages != nullptr && messages->messages.size() == 1 && messages->messages[0] == message;
  return same ? std::string{} : "it arrives as another";
}

}  // namespace troupe::sim
