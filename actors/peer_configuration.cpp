#include "actors/peer_actor.hpp"
#include "actors/random_number.hpp"
#include "actors/replies.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe::actors {
namespace {

/// How long the nodes of the members may take to say who their peers are.
constexpr Duration identity_timeout = std::chrono::seconds(1);

/// How long the members may take to elect and commit, after that.
constexpr Duration commit_timeout = std::chrono::seconds(2);

bool same_members(const Configuration& configuration, const std::vector<NamedMember>& members) {
  const std::vector<Member> current = configuration.members();
  return current.size() == members.size()
         && std::ranges::all_of(current, [&](const Member& member) {
              return std::ranges::find(members, NamedMember{member.name, member.address})
                     != members.end();
            });
}

}  // namespace

/// Founds a cluster (§4.4): asks every member's node who the peer of that name is, for a cluster is
/// made of identities and not of names; then proposes.
void PeerActor::set_configuration(const caf::actor& connection, const wire::Request& request,
                                  const wire::SetConfiguration& wanted) {
  if (stopping_)
    return respond(this, connection, refused(request.id, Refusal::stopping));
  auto members = parse_members(wanted.members, routes_.own_address());
  if (!members)
    return respond(this, connection, refused(request.id, members.refusal(), members.detail()));
  if (auto response = answer_if_configured(request.id, *members))
    return respond(this, connection, *std::move(response));
  if (change_)
    return respond(this, connection, refused(request.id, Refusal::configuration_in_progress));

  Inquire inquire{.id = ++inquiry_,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = identity_timeout,
                  .enough = nullptr};
  for (const NamedMember& member : *members)
    inquire.questions.push_back(
        {member.address, {.id = 0, .peer = member.name, .body = wire::AskIdentity{}}});
  change_ = ConfigurationChange{.connection = connection,
                                .request = request.id,
                                .members = *std::move(members),
                                .deadline = now() + identity_timeout + commit_timeout,
                                .entry = std::nullopt};
  actors::send(this, node_, std::move(inquire));
  begin_turn();
}

/// What there is to say without asking anyone; nothing if a cluster can be founded.
std::optional<wire::Response> PeerActor::answer_if_configured(
    std::uint64_t request, const std::vector<NamedMember>& members) {
  const EngineView view = engine_.view();
  const bool empty = view.hard_state.cluster == ClusterId{};
  if (!empty && view.role != Role::leader) {
    std::string leader = leader_name();
    return leader.empty() ? refused(request, Refusal::election_in_progress)
                          : refused(request, Refusal::redirect, std::move(leader));
  }
  if (std::ranges::find(members, record_.name, &NamedMember::name) == members.end())
    return refused(request, Refusal::must_be_in_consensus_group);
  if (empty)
    return std::nullopt;
  if (view.configuration_index > view.commit)
    return refused(request, Refusal::configuration_in_progress);
  if (!same_members(view.configuration, members))
    return refused(request, Refusal::invalid,
                   "this version cannot change the configuration of a running cluster");
  return wire::Response{
      .id = request, .refusal = Refusal::none, .detail = {}, .body = view.configuration};
}

void PeerActor::on_inquired(const Inquired& inquired) {
  if (!change_ || change_->entry || inquired.id != inquiry_)
    return;
  begin_turn();
  auto configuration = configuration_of(inquired.responses);
  if (!configuration)
    return end_change(refused(change_->request, configuration.refusal(), configuration.detail()));
  const auto entry = engine_.bootstrap(*std::move(configuration), ClusterId{random_number()});
  if (entry) {
    change_->entry = *entry;
    return;
  }
  // Another member was quicker: its configuration reached us while we asked.
  end_change(refused(change_->request, entry.refusal(),
                     entry.refusal() == Refusal::redirect ? leader_name() : entry.detail()));
}

/// The configuration that the members' nodes told of, or what the first of them refused.
Result<Configuration> PeerActor::configuration_of(
    const std::vector<wire::Response>& identities) const {
  Configuration configuration;
  std::set<PeerId> ids;
  for (std::size_t i = 0; i < change_->members.size(); ++i) {
    const NamedMember& member = change_->members[i];
    Member voter{.id = {}, .name = member.name, .address = member.address};
    if (identities[i].refusal == Refusal::no_peer)
      return {Refusal::no_peer, full_name(voter)};
    if (identities[i].refusal != Refusal::none)
      return {identities[i].refusal, identities[i].detail};
    const auto* identity = std::get_if<wire::Identity>(&identities[i].body);
    if (identity == nullptr || identity->id == nobody)
      return {Refusal::unreachable, member.address};
    if (identity->kind != record_.kind)
      return {Refusal::invalid, full_name(voter) + " is a " + identity->kind};
    if (!ids.insert(identity->id).second)
      return {Refusal::invalid, full_name(voter) + " is in the configuration twice"};
    voter.id = identity->id;
    configuration.voters.push_back(std::move(voter));
  }
  return normalized(std::move(configuration));
}

void PeerActor::end_change(wire::Response response) {
  respond(this, change_->connection, std::move(response));
  change_.reset();
}

void PeerActor::end_change_if_committed(const std::vector<Entry>& committed) {
  if (!change_ || !change_->entry)
    return;
  const EntryId wanted = *change_->entry;
  for (const Entry& entry : committed) {
    if (entry.id.index != wanted.index)
      continue;
    if (entry.id == wanted)
      end_change({.id = change_->request,
                  .refusal = Refusal::none,
                  .detail = {},
                  .body = engine_.view().configuration});
    else
      end_change(refused(change_->request, Refusal::redirect, leader_name()));
    return;
  }
}

void PeerActor::end_change_if_late() {
  if (change_ && now() >= change_->deadline)
    end_change(refused(change_->request, Refusal::timeout));
}

}  // namespace troupe::actors
