#include "actors/configuration_change.hpp"
#include "actors/peer_actor.hpp"
#include "actors/random_number.hpp"
#include "actors/replies.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {
namespace {

/// How long the nodes of the members may take to say who their peers are.
constexpr Duration identity_timeout = std::chrono::seconds(1);

/// How long the members may take to elect and commit, after that.
constexpr Duration commit_timeout = std::chrono::seconds(2);

}  // namespace

/// Founds a cluster (§4.4), or changes who votes in ours (§4.3). A cluster is made of identities
/// and not of names: the nodes of members that are new to us are asked who they are; then we
/// propose.
void PeerActor::set_configuration(const caf::actor& connection, const wire::Request& request,
                                  const wire::SetConfiguration& wanted) {
  if (stopping_)
    return respond(this, connection, refused(request.id, Refusal::stopping));
  const bool names_members = wanted.change != wire::Change::keep_voters;
  auto members = names_members ? parse_members(wanted.members, routes_.own_address())
                               : Result<std::vector<NamedMember>>(std::vector<NamedMember>{});
  if (!members)
    return respond(this, connection, refused(request.id, members.refusal(), members.detail()));
  if (auto refusal = refusal_to_configure(request.id, *members))
    return respond(this, connection, *std::move(refusal));

  auto target = changed(engine_.configuration(), wanted, *members);
  if (!target)
    return respond(this, connection, refused(request.id, target.refusal(), target.detail()));

  const bool founds = engine_.configuration().empty();
  change_ = ConfigurationChange{.connection = connection,
                                .request = request.id,
                                .target = *std::move(target),
                                .change = wanted.change,
                                .named = {},
                                .deadline = now() + identity_timeout + commit_timeout
                                            + (founds ? Duration{} : catch_up_timeout_),
                                .founds = founds,
                                .proposed_in = std::nullopt};
  for (const NamedMember& member : *members)
    change_->named.push_back(member.name);
  Inquire inquire{.id = ++inquiry_,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = identity_timeout,
                  .enough = nullptr};
  for (const Member* member : members_to_ask())
    inquire.questions.push_back(
        {member->address, {.id = 0, .peer = member->name, .body = wire::AskIdentity{}}});
  begin_turn();
  if (inquire.questions.empty())
    propose_configuration({});
  else
    actors::send(this, node_, std::move(inquire));
}

/// What there is to refuse without asking anyone.
std::optional<wire::Response> PeerActor::refusal_to_configure(
    std::uint64_t request, const std::vector<NamedMember>& members) {
  const bool founds = engine_.view().hard_state.cluster == ClusterId{};
  if (!founds && engine_.role() != Role::leader) {
    std::string leader = leader_name();
    return leader.empty() ? refused(request, Refusal::election_in_progress)
                          : refused(request, Refusal::redirect, std::move(leader));
  }
  if (founds && std::ranges::find(members, record_.name, &NamedMember::name) == members.end())
    return refused(request, Refusal::must_be_in_consensus_group);
  if (change_)
    return refused(request, Refusal::configuration_in_progress);
  return std::nullopt;
}

void PeerActor::on_inquired(const Inquired& inquired) {
  if (!change_ || change_->proposed_in || inquired.id != inquiry_)
    return;
  begin_turn();
  propose_configuration(inquired.responses);
}

/// Our own peer needs no asking, but to found a cluster: there we ask as anyone would.
std::vector<Member*> PeerActor::members_to_ask() {
  return actors::members_to_ask(change_->target, change_->change, change_->named,
                                change_->founds ? nobody : record_.id);
}

/// `identities` are those of the members that were asked, in their order.
void PeerActor::propose_configuration(const std::vector<wire::Response>& identities) {
  Configuration& target = change_->target;
  auto answer = identities.begin();
  for (Member* member : members_to_ask()) {
    const auto id = confirmed_id(*member, *answer++);
    if (!id)
      return end_change(refused(change_->request, id.refusal(), id.detail()));
    if (*id != member->id && target.has_member(*id))
      return end_change(refused(change_->request, Refusal::invalid,
                                full_name(*member) + " is in the configuration twice"));
    member->id = *id;
  }
  target = normalized(std::move(target));
  const auto entry = change_->founds ? engine_.bootstrap(target, ClusterId{random_number()})
                                     : engine_.change_configuration(target);
  if (entry) {
    change_->proposed_in = engine_.term();
    return;
  }
  // Another member was quicker: its configuration reached us while we asked.
  end_change(refused(change_->request, entry.refusal(),
                     entry.refusal() == Refusal::redirect ? leader_name() : entry.detail()));
}

/// Who a member is by now. One that is known and does not answer is who it was; one that answers as
/// another has lost its disk, and takes the place of its former self. At another address it is
/// someone else of the same name, and only `set_configuration` may mean that.
Result<PeerId> PeerActor::confirmed_id(const Member& member, const wire::Response& answer) const {
  auto id = id_of(member, answer);
  const Member* before = engine_.configuration().find(member.name);
  if (before == nullptr)
    return id;
  const bool stays = before->address == member.address;
  if (!id)
    return stays && id.refusal() != Refusal::invalid ? before->id : id;
  if (*id != before->id && !stays && change_->change != wire::Change::replace)
    return {Refusal::invalid, member.name + " is the name of " + full_name(*before)};
  return id;
}

Result<PeerId> PeerActor::id_of(const Member& member, const wire::Response& answer) const {
  if (answer.refusal == Refusal::no_peer)
    return {Refusal::no_peer, full_name(member)};
  if (answer.refusal != Refusal::none)
    return {answer.refusal, answer.detail};
  const auto* identity = std::get_if<wire::Identity>(&answer.body);
  if (identity == nullptr || identity->id == nobody)
    return {Refusal::unreachable, member.address};
  if (identity->kind != record_.kind)
    return {Refusal::invalid, full_name(member) + " is a " + identity->kind};
  return identity->id;
}

void PeerActor::end_change(wire::Response response) {
  respond(this, change_->connection, std::move(response));
  change_.reset();
}

/// Answers when the configuration that was asked for is in force and committed, or cannot come to
/// be by what we proposed.
void PeerActor::end_change_if_done() {
  if (!change_ || !change_->proposed_in)
    return;
  const EngineView view = engine_.view();
  const bool committed = view.configuration_index <= view.commit && !view.changing;
  if (committed && view.configuration == change_->target)
    return end_change({.id = change_->request,
                       .refusal = Refusal::none,
                       .detail = {},
                       .body = view.configuration});
  if (change_->founds)
    return;  // Its first leader may fail; the configuration is in the log all the same.
  if (view.role != Role::leader || view.hard_state.term != *change_->proposed_in)
    return end_change(refused(change_->request, Refusal::unknown_outcome));
  if (committed)
    end_change(refused(change_->request, Refusal::timeout, "the newcomers did not catch up"));
}

void PeerActor::end_change_if_late() {
  if (!change_ || now() < change_->deadline)
    return;
  // As the engine does: a newcomer that is sent a snapshot takes as long as that takes.
  if (const auto followers = engine_.view().followers; std::ranges::any_of(
          followers, [](const auto& each) { return each.second.snapshot.has_value(); }))
    change_->deadline = now() + commit_timeout;
  else
    end_change(refused(change_->request, Refusal::timeout));
}

/// Hands over and says to whom, once that is known (§3.10).
void PeerActor::transfer_leadership(const caf::actor& connection, const wire::Request& request,
                                    const wire::TransferLeadership& wanted) {
  if (engine_.role() != Role::leader)
    return respond(this, connection, refused(request.id, Refusal::redirect, leader_name()));
  if (handover_)
    return respond(this, connection, refused(request.id, Refusal::election_in_progress));
  PeerId to = nobody;
  if (!wanted.to.empty()) {
    const auto members = parse_members({wanted.to}, routes_.own_address());
    const Member* member = members ? engine_.configuration().find(members->front().name) : nullptr;
    if (member == nullptr)
      return respond(this, connection, refused(request.id, Refusal::not_found, wanted.to));
    to = member->id;
  }
  begin_turn();
  if (to == record_.id)
    return respond(this, connection,
                   {.id = request.id, .refusal = {}, .detail = {}, .body = leader_name()});
  const auto target = engine_.transfer(to);
  if (!target)
    return respond(this, connection, refused(request.id, target.refusal(), target.detail()));
  handover_ =
      Handover{.connection = connection, .request = request.id, .deadline = now() + commit_timeout};
}

void PeerActor::end_handover_if_done() {
  if (!handover_)
    return;
  const PeerId leader = engine_.leader();
  if (leader != nobody && leader != record_.id)
    respond(this, handover_->connection,
            {.id = handover_->request, .refusal = {}, .detail = {}, .body = leader_name()});
  else if (engine_.role() == Role::leader && engine_.view().transfer_to == nobody)
    respond(this, handover_->connection,
            refused(handover_->request, Refusal::timeout, "it did not take over"));
  else if (now() >= handover_->deadline)
    respond(this, handover_->connection, refused(handover_->request, Refusal::timeout));
  else
    return;
  handover_.reset();
}

}  // namespace troupe::actors
