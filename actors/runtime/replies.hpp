#pragma once

#include "actors/runtime/backlog.hpp"
#include "actors/runtime/messages.hpp"
#include "machine/resource.hpp"
#include "wire/packet.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {

/// What a resource answered, as a client gets it. Moves the value, which counts among the answers
/// of the ticket's connection. What finds no room there is left out: the command has happened.
wire::CallReply call_reply(std::uint64_t id, machine::Reply reply, Index index,
                           const Ticket& ticket = {});

/// Answers on their way to the connections that asked: gathered during one turn, then sent as few
/// packets as their sizes allow.
class Replies {
public:
  Replies() = default;
  /// Of the state of `cluster`; `leader` is who leads it, if that is not who answers.
  Replies(ClusterId cluster, std::string leader) : cluster_(cluster), leader_(std::move(leader)) {}

  /// Where to append what `connection` gets. Valid until the next call of a member.
  std::vector<wire::CallReply>& to(const caf::actor& connection) { return waiting_[connection]; }

  /// The same refusal for each call of a batch.
  void refuse(const caf::actor& connection, const std::vector<wire::Call>& calls, Refusal refusal,
              const std::string& detail = {});

  bool empty() const { return waiting_.empty(); }

  /// Hands out all that gathered. Each packet fits a frame.
  std::vector<std::pair<caf::actor, wire::CallReplies>> take();

private:
  ClusterId cluster_{};
  std::string leader_{};
  std::map<caf::actor, std::vector<wire::CallReply>> waiting_{};
};

/// Sends all that gathered in `replies`.
template <class Self>
void send_all(Self* self, Replies& replies) {
  if (replies.empty())
    return;
  for (auto& [connection, packet] : replies.take())
    send(self, connection, std::move(packet));
}

/// Answers one request of an operator.
template <class Self>
void respond(Self* self, const caf::actor& connection, wire::Response response) {
  send(self, connection, std::move(response));
}

wire::Response refused(std::uint64_t id, Refusal refusal, std::string detail = {});

/// Immutable bytes that take over `text`.
Bytes to_bytes(std::string text);

}  // namespace troupe::actors
