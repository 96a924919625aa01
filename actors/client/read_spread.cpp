#include "actors/client/read_spread.hpp"

#include "core/assert.hpp"

#include <algorithm>

namespace troupe::actors {
namespace {

constexpr std::chrono::milliseconds rest_min{500};
constexpr std::chrono::milliseconds rest_max{8000};

}  // namespace

ReadSpread::ReadSpread(const std::vector<FullName>& peers, const std::string& home) {
  for (const FullName& name : peers)
    peers_.push_back(
        {.name = name, .back_at = {}, .rest = rest_min, .at_home = name.address == home});
  // So that the first read goes to the first.
  last_ = peers_.empty() ? 0 : peers_.size() - 1;
}

const FullName& ReadSpread::next(Time now) {
  TROUPE_ASSERT(!empty());
  for (const Peer& peer : peers_)
    if (peer.at_home && peer.back_at <= now)
      return peer.name;
  if (run_left_ > 0 && peers_[last_].back_at <= now) {
    --run_left_;
    return peers_[last_].name;
  }
  std::size_t best = last_;
  for (std::size_t step = 1; step <= peers_.size(); ++step) {
    const std::size_t at = (last_ + step) % peers_.size();
    if (peers_[at].back_at <= now) {
      best = at;
      break;
    }
    if (peers_[at].back_at < peers_[best].back_at)
      best = at;
  }
  last_ = best;
  run_left_ = run_max - 1;
  return peers_[best].name;
}

void ReadSpread::failed(const FullName& name, Time now) {
  Peer* peer = find(name);
  if (peer == nullptr || now < peer->back_at)
    return;
  peer->back_at = now + peer->rest;
  peer->rest = std::min(peer->rest * 2, rest_max);
}

void ReadSpread::answered(const FullName& name) {
  if (Peer* peer = find(name)) {
    peer->back_at = {};
    peer->rest = rest_min;
  }
}

ReadSpread::Peer* ReadSpread::find(const FullName& name) {
  const auto found = std::ranges::find(peers_, name, &Peer::name);
  return found == peers_.end() ? nullptr : &*found;
}

}  // namespace troupe::actors
