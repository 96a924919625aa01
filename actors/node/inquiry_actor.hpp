#pragma once

#include "actors/peer/messages.hpp"
#include "actors/transport/messages.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::actors {

/// Asks other nodes in the name of this one: who their peers are, whom they take for leader. Lives
/// for one `Inquire`, over links of its own: an address that nobody answers at is forgotten with
/// it.
class InquiryActor : public caf::event_based_actor {
public:
  /// `hello.address` is this node's: questions to it go to `node`, past the network.
  InquiryActor(caf::actor_config& config, caf::actor node, wire::Hello hello, Inquire inquire);

  caf::behavior make_behavior() override;
  const char* name() const override { return "inquiry"; }
  void on_exit() override;

private:
  void start();
  void on_link_up(const LinkUp& link);
  void on_link_down(const LinkDown& link);
  void on_response(const wire::Response& response);
  void finish();

  caf::actor node_;
  wire::Hello hello_;
  Inquire inquire_;
  /// In the order of the questions, whose numbers on the wire are their places plus one.
  std::vector<std::optional<wire::Response>> responses_{};
  std::size_t open_ = 0;  ///< Questions without a response.
  std::map<std::string, caf::actor> links_{};
  bool finished_ = false;
};

}  // namespace troupe::actors
