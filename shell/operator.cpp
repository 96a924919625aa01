#include "shell/operator.hpp"

#include <stdexcept>
#include <thread>
#include <variant>

namespace troupe::shell {
namespace {

constexpr auto patience = std::chrono::seconds(20);
constexpr auto poll_interval = std::chrono::milliseconds(2);
/// A node that starts may not listen yet: it is asked often rather than for long.
constexpr auto first_answer_timeout = std::chrono::milliseconds(100);

template <class Condition>
void wait_for(const std::string& what, const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + patience; !condition();) {
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("waited too long for " + what);
    std::this_thread::sleep_for(poll_interval);
  }
}

void expect(const wire::Response& response, const std::string& what) {
  if (response.refusal != Refusal::none)
    throw std::runtime_error(what + ": " + std::string(name(response.refusal)) + " "
                             + response.detail);
}

}  // namespace

std::string address_of(const std::string& full_name) {
  return full_name.substr(full_name.find('@') + 1);
}

std::string peer_name_of(const std::string& full_name) {
  return full_name.substr(0, full_name.find('@'));
}

void Operator::wait_for_node(const std::string& address, const std::function<void()>& goes_on) {
  wait_for("the node at " + address, [&] {
    if (goes_on)
      goes_on();
    return client_.request(address, {.body = wire::AskPeers{}}, first_answer_timeout).get().refusal
           == Refusal::none;
  });
}

void Operator::start_peer(const std::string& peer, const std::string& kind,
                          const StartOptions& options) {
  expect(ask(peer, {.body = wire::StartPeer{.kind = kind, .options = options}}),
         "start_peer " + peer);
}

void Operator::bootstrap(const std::string& kind, const StartOptions& options) {
  for (const std::string& peer : peers_)
    start_peer(peer, kind, options);
  set_configuration(peers_);
}

void Operator::set_configuration(const std::vector<std::string>& members,
                                 std::chrono::milliseconds timeout) {
  std::string at = peers_.front();
  // A new cluster has no leader that would have to be asked.
  if (status(at).configuration_index != Index{})
    at = leader();
  expect(ask(at, {.body = wire::SetConfiguration{.members = members}}, timeout),
         "set_configuration");
}

void Operator::transfer_to(const std::string& peer) {
  wait_for(peer + " to lead", [&] {
    const std::string leads = leader();
    if (leads == peer)
      return true;
    (void)ask(leads, {.body = wire::TransferLeadership{.to = peer}});
    return false;
  });
}

std::string Operator::leader(const std::string& except) {
  std::string leader;
  wait_for("a leader", [&] {
    for (const std::string& peer : peers_) {
      if (peer == except)
        continue;
      const wire::Response response = ask(peer, {.body = wire::AskLeader{}});
      const auto* name = std::get_if<std::string>(&response.body);
      if (name != nullptr && !name->empty() && *name != except) {
        leader = *name;
        return true;
      }
    }
    return false;
  });
  return leader;
}

wire::PeerStatus Operator::status(const std::string& peer) {
  const wire::Response response = ask(peer, {.body = wire::AskStatus{}});
  const auto* found = std::get_if<wire::PeerStatus>(&response.body);
  return found != nullptr ? *found : wire::PeerStatus{};
}

void Operator::wait_until_caught_up(const std::string& peer) {
  const Index goal = status(leader()).commit;
  wait_for(peer + " to catch up", [&] { return status(peer).applied >= goal; });
}

wire::Response Operator::ask(const std::string& peer, wire::Request request,
                             std::chrono::milliseconds timeout) {
  request.peer = peer_name_of(peer);
  return client_.request(address_of(peer), std::move(request), timeout).get();
}

}  // namespace troupe::shell
