#include "actors/peer/peer_routes.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace troupe::actors {
namespace {

/// Addresses that others taught us: there are no more peers than this in any sensible cluster, and
/// strangers must not have us dial the world.
constexpr std::size_t learned_max = 64;

/// How long one of them counts after its peer last spoke. Far longer than a leader tells who left.
constexpr Duration learned_for = std::chrono::seconds(10);

/// How often a member may say that it is somewhere else.
constexpr Duration move_interval = std::chrono::seconds(1);

/// Connections over which peers wrote to us, and how long they count. A peer answers at
/// once, and one that goes on talking is heard again.
constexpr std::size_t back_max = 256;
constexpr Duration back_for = std::chrono::seconds(2);

/// Messages that wait for one link. Beyond it the oldest are lost.
constexpr std::size_t waiting_max = 64;

/// Where a frame of messages ends and the next begins. One message may be larger, up to the limit
/// of an entry or of an append request.
constexpr std::size_t frame_bytes_goal = std::size_t{2} << 20;

constexpr std::size_t message_head_bytes = 96;

std::size_t size_bytes(const Message& message) {
  std::size_t bytes = message_head_bytes;
  if (const auto* request = std::get_if<AppendRequest>(&message.body))
    for (const Entry& entry : request->entries)
      bytes += troupe::size_bytes(entry);
  if (const auto* chunk = std::get_if<SnapshotChunk>(&message.body))
    bytes += chunk->data.size();
  return bytes;
}

}  // namespace

/// A peer that is a member no more is told so for a while. Until then we keep its address.
std::vector<std::string> Routes::use(const Configuration& configuration, Time now) {
  std::vector<std::string> news;
  at_home_.clear();
  for (const auto& [peer, address] : std::exchange(configured_, {}))
    if (!configuration.has_member(peer) && learned_.size() < learned_max)
      learned_.try_emplace(peer, Learned{address, now, now}).first->second.heard_at = now;
  for (const Member& member : configuration.members()) {
    configured_[member.id] = member.address;
    want(member.address, news);
  }
  return news;
}

std::vector<std::string> Routes::learn(PeerId peer, const std::string& address, Time now) {
  std::vector<std::string> news;
  if (const auto link = links_.find(address);
      link != links_.end() && link->second.state == LinkState::down) {
    link->second.state = LinkState::dialing;
    news.push_back(address);
  }
  if (const auto home = configured_.find(peer);
      home != configured_.end() && home->second == address)
    at_home_.insert(peer);
  const auto known = learned_.find(peer);
  if (known != learned_.end())
    known->second.heard_at = now;
  if (known == learned_.end() ? learned_.size() >= learned_max : known->second.address == address)
    return news;
  learned_[peer] = {address, now, now};
  want(address, news);
  return news;
}

std::vector<std::string> Routes::hear(PeerId peer, const std::string& address,
                                      caf::actor connection, Time now) {
  if (connection && (back_.size() < back_max || back_.contains(peer)))
    back_[peer] = {std::move(connection), address, now};
  const auto configured = configured_.find(peer);
  if (configured == configured_.end())
    return {};
  if (configured->second != address) {
    const bool answers = is_up(configured->second);
    const auto known = learned_.find(peer);
    const bool moved_lately = known != learned_.end() && known->second.address != address
                              && now - known->second.learned_at < move_interval;
    if (answers || moved_lately)
      return {};
  }
  return learn(peer, address, now);
}

void Routes::want(const std::string& address, std::vector<std::string>& news) {
  if (!address.empty() && address != own_address_ && links_.try_emplace(address).second)
    news.push_back(address);
}

std::vector<std::string> Routes::idle(Time now) {
  std::erase_if(learned_,
                [&](const auto& learned) { return now - learned.second.heard_at >= learned_for; });
  std::erase_if(back_, [&](const auto& back) { return now - back.second.heard_at >= back_for; });
  std::set<std::string> needed;
  for (const auto& [peer, address] : configured_)
    needed.insert(address);
  for (const auto& [peer, learned] : learned_)
    needed.insert(learned.address);
  std::vector<std::string> unneeded;
  for (const auto& [address, link] : links_)
    if (!needed.contains(address))
      unneeded.push_back(address);
  for (const std::string& address : unneeded)
    links_.erase(address);
  return unneeded;
}

std::vector<PeerId> Routes::use(SharedRegistry registry) {
  // A node may host thousands of peers, and each of them looks at every registry.
  std::vector<PeerId> gone;
  const auto look_at = [&](PeerId peer) {
    const bool was_here = registry_ && registry_->by_id.contains(peer);
    if (was_here && (!registry || !registry->by_id.contains(peer)))
      gone.push_back(peer);
  };
  for (const auto& [peer, address] : configured_)
    look_at(peer);
  for (const auto& [peer, learned] : learned_)
    if (!configured_.contains(peer))
      look_at(peer);
  registry_ = std::move(registry);
  return gone;
}

std::vector<Message> Routes::link_up(const std::string& address, caf::actor connection) {
  const auto found = links_.find(address);
  if (found == links_.end())
    return {};  // We dropped it while this was on its way.
  Link& link = found->second;
  link.state = LinkState::up;
  link.connection = std::move(connection);
  std::vector<Message> waited(std::make_move_iterator(link.waiting.begin()),
                              std::make_move_iterator(link.waiting.end()));
  link.waiting.clear();
  return waited;
}

std::vector<PeerId> Routes::link_down(const std::string& address) {
  if (const auto link = links_.find(address); link != links_.end())
    link->second = {.state = LinkState::down, .connection = {}, .waiting = {}};
  std::vector<PeerId> gone;
  for (const auto& [peer, where] : configured_)
    if (where == address)
      at_home_.erase(peer);
  for (const auto& [peer, where] : configured_)
    if (where == address && !linked(peer).actor)
      gone.push_back(peer);
  for (const auto& [peer, learned] : learned_)
    if (learned.address == address && !linked(peer).actor)
      gone.push_back(peer);
  return gone;
}

bool Routes::is_up(const std::string& address) const {
  const auto link = links_.find(address);
  return address == own_address_ || (link != links_.end() && link->second.state == LinkState::up);
}

std::vector<PeerId> Routes::at(const std::string& address) const {
  std::vector<PeerId> peers;
  for (const auto& [peer, where] : configured_)
    if (where == address)
      peers.push_back(peer);
  for (const auto& [peer, learned] : learned_)
    if (learned.address == address)
      peers.push_back(peer);
  return peers;
}

/// Where it was heard from, then where it should be. The other way round for one that was heard
/// there.
std::array<Routes::Link*, 2> Routes::links_to(PeerId peer) {
  const auto link_at = [&](const std::string& address) {
    const auto link = links_.find(address);
    return link == links_.end() ? nullptr : &link->second;
  };
  std::array<Link*, 2> links{};
  if (const auto configured = configured_.find(peer); configured != configured_.end())
    links[0] = link_at(configured->second);
  if (const auto learned = learned_.find(peer); learned != learned_.end())
    links[1] = link_at(learned->second.address);
  if (links[1] != nullptr && !at_home_.contains(peer))
    std::swap(links[0], links[1]);
  return links;
}

void Routes::wait_for_link(Message message) {
  for (Link* link : links_to(message.to)) {
    if (link == nullptr || link->state != LinkState::dialing)
      continue;
    std::list<Message>& waiting = link->waiting;
    if (waiting.size() == waiting_max)
      waiting.pop_front();
    waiting.push_back(std::move(message));
    return;
  }
}

/// Where there is no link, or another node seems to be at its end, we answer over the connection
/// that the peer wrote to us over.
Routes::Target Routes::target_of(PeerId peer) {
  Target target = linked(peer);
  const auto back = back_.find(peer);
  if (back != back_.end() && (!target.actor || is_away(peer, back->second.address)))
    target = {back->second.connection, false};
  return target;
}

/// Whether a member that wrote from `address` was never heard from the configured one, to which
/// alone there is a link. It moved, and its old address may be that of another node.
bool Routes::is_away(PeerId peer, const std::string& address) {
  if (registry_ && registry_->by_id.contains(peer))
    return false;
  const auto configured = configured_.find(peer);
  if (configured == configured_.end() || configured->second == address || at_home_.contains(peer))
    return false;
  const auto learned = learned_.find(peer);
  const auto link = learned == learned_.end() ? links_.end() : links_.find(learned->second.address);
  return link == links_.end() || !link->second.connection;
}

Routes::Target Routes::linked(PeerId peer) {
  if (registry_)
    if (const auto local = registry_->by_id.find(peer); local != registry_->by_id.end())
      return {local->second, true};
  for (const Link* link : links_to(peer))
    if (link != nullptr && link->connection)
      return {link->connection, false};
  return {};
}

std::vector<Routes::Parcel> Routes::sort(std::vector<Message> messages) {
  std::vector<Parcel> parcels;
  PeerId last = nobody;
  std::size_t at = 0;  // The parcel for `last`: messages to one peer mostly stand together.
  for (Message& message : messages) {
    if (message.to != last || last == nobody) {
      const Target target = target_of(message.to);
      if (!target.actor) {
        wait_for_link(std::move(message));
        continue;
      }
      const auto same = std::ranges::find(parcels, target.actor, &Parcel::to);
      at = static_cast<std::size_t>(same - parcels.begin());
      if (same == parcels.end())
        parcels.push_back({.to = target.actor, .messages = {}, .local = target.local});
      last = message.to;
    }
    parcels[at].messages.push_back(std::move(message));
  }
  return parcels;
}

std::vector<wire::Frame> frames_of(std::vector<Message> messages) {
  std::vector<wire::Frame> frames;
  wire::PeerMessages packet;
  std::size_t bytes = 0;
  for (Message& message : messages) {
    const std::size_t more = size_bytes(message);
    if (!packet.messages.empty() && bytes + more > frame_bytes_goal) {
      frames.push_back(wire::encode(std::exchange(packet, {})));
      bytes = 0;
    }
    bytes += more;
    packet.messages.push_back(std::move(message));
  }
  if (!packet.messages.empty())
    frames.push_back(wire::encode(std::move(packet)));
  return frames;
}

}  // namespace troupe::actors
