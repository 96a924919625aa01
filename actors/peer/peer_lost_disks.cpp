#include "actors/peer/configuration_change.hpp"
#include "actors/peer/messages.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/logger.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace troupe::actors {
namespace {

/// How long the nodes of lost members may take to say which peers they have.
constexpr Duration identity_timeout = std::chrono::seconds(1);

/// The command that has the peer of this name take the place of the member.
std::string replacement(const Configuration& configuration, const std::string& leader,
                        const Member& member) {
  const std::string rank(rank_of(configuration, member.name));
  return "add_member " + leader + ' ' + full_name(member) + (rank == "voter" ? "" : " --" + rank);
}

}  // namespace

void PeerActor::seek_lost_disks(const EngineView& view) {
  lost_disks_.keep(log_.lost());
  if (disk_search_ || stopping_)
    return;
  const auto is_up = [this](const std::string& address) { return routes_.is_up(address); };
  const auto questions = lost_disks_.due(log_.lost(), view, is_up, now());
  if (questions.empty())
    return;
  DiskSearch search{.inquiry = ++last_inquiry_, .members = {}};
  Inquire inquire{.id = search.inquiry,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = identity_timeout,
                  .enough = nullptr};
  for (const LostDisks::Question& question : questions) {
    search.members.push_back(question.member.id);
    inquire.questions.push_back({question.member.address,
                                 {.id = 0,
                                  .peer = question.member.name,
                                  .body = wire::AskIdentity{.expected = question.expected}}});
  }
  disk_search_ = std::move(search);
  actors::send(this, node_, std::move(inquire));
}

void PeerActor::on_members_identified(const std::vector<wire::Response>& responses) {
  const DiskSearch search = *std::exchange(disk_search_, std::nullopt);
  const EngineView& view = engine_.view();
  if (view.role != Role::leader)
    return;
  for (std::size_t i = 0; i < std::min(responses.size(), search.members.size()); ++i)
    if (const auto finding = lost_disks_.answered(search.members[i], responses[i], view, now()))
      tell_disk_lost(*finding);
}

/// Operators alone know whether the disk is to come back.
void PeerActor::tell_disk_lost(const LostDisks::Finding& finding) const {
  const Configuration& configuration = engine_.configuration();
  const std::string command = replacement(configuration, leader_name(), finding.member);
  on_news_(DiskNews{record_.name, finding.member});
  log(LogLevel::error, "disk_lost",
      {{"peer", record_.name},
       LogField::own("member", full_name(finding.member)),
       {"expected", finding.member.id.value},
       {"found", finding.found.value},
       LogField::own("problem",
                     "another peer runs under the member's name: its disk was lost, or another "
                     "node took its address. To have that peer take its place, start its node "
                     "with --join, or run "
                         + command)});
}

/// A leader does not hear the member that has our name. Anyone can say that it does, so this
/// changes nothing.
void PeerActor::on_expected(PeerId expected) {
  if (expected == record_.id || !expected_.is_news(expected, now()))
    return;
  log(LogLevel::error, "disk_lost",
      {{"peer", record_.name},
       LogField::own("member", record_.name + '@' + routes_.own_address()),
       {"expected", expected.value},
       {"found", record_.id.value},
       LogField::own("problem",
                     "a cluster has another peer as its member of this name: the disk of that one "
                     "was lost, or this node took its address. This peer is no member until "
                     "add_member, or a start of this node with --join, has it take that place")});
}

}  // namespace troupe::actors
