#include "shell/client_nodes.hpp"

#include <chrono>
#include <future>
#include <string>
#include <utility>

namespace troupe::shell {

namespace {

constexpr std::chrono::milliseconds look_up_interval{20};

/// What `answer` becomes, or a timeout of our own.
template <class Answer>
Answer wait_for(std::future<Answer> answer, Signals& signals) {
  while (answer.wait_for(look_up_interval) != std::future_status::ready) {
    signals.wait(std::chrono::milliseconds(0));
    if (signals.interrupted() || signals.stop_requested()) {
      Answer given_up;
      given_up.refusal = Refusal::timeout;
      return given_up;
    }
  }
  return answer.get();
}

}  // namespace

Nodes nodes_through(actors::Client& client, Signals& signals) {
  return {.request =
              [&](std::string address, wire::Request request, Duration timeout) {
                return wait_for(client.request(std::move(address), std::move(request), timeout),
                                signals);
              },
          .call =
              [&](std::string address, std::string peer, wire::CallKind kind, Bytes payload,
                  Duration timeout, ReadLevel level) {
                return wait_for(client.call(std::move(address), std::move(peer), kind,
                                            std::move(payload), timeout, level),
                                signals);
              },
          .pause =
              [&](Duration duration) {
                signals.wait(std::chrono::ceil<std::chrono::milliseconds>(duration));
                return !signals.interrupted() && !signals.stop_requested();
              }};
}

}  // namespace troupe::shell
