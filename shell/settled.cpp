#include "shell/settled.hpp"

#include <algorithm>
#include <chrono>
#include <variant>
#include <vector>

namespace troupe::shell {

namespace {

constexpr Duration answer_timeout = std::chrono::milliseconds(300);
constexpr std::chrono::milliseconds look_again_interval{5};

bool is_settled(const wire::PeerStatus& status) {
  if (status.configuration.empty())
    return true;
  if (status.role == Role::leader)
    return status.commit == status.last.index;
  return !status.leader.empty();
}

}  // namespace

bool is_settled(const Nodes& nodes, const std::string& address) {
  const wire::Response peers =
      nodes.request(address, {.id = 0, .peer = {}, .body = wire::AskPeers{}}, answer_timeout);
  const auto* names = std::get_if<std::vector<std::string>>(&peers.body);
  if (names == nullptr)
    return false;
  return std::all_of(names->begin(), names->end(), [&](const std::string& name) {
    const wire::Response response =
        nodes.request(address, {.id = 0, .peer = name, .body = wire::AskStatus{}}, answer_timeout);
    const auto* status = std::get_if<wire::PeerStatus>(&response.body);
    return status != nullptr ? is_settled(*status) : response.refusal == Refusal::no_peer;
  });
}

void wait_until_settled(const Nodes& nodes, const std::string& address, Signals& signals,
                        Duration at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  while (!is_settled(nodes, address) && !signals.stop_requested()
         && std::chrono::steady_clock::now() < deadline)
    signals.wait(look_again_interval);
}

}  // namespace troupe::shell
