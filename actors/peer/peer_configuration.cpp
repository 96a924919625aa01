#include "actors/peer/configuration_change.hpp"
#include "actors/peer/messages.hpp"
#include "actors/peer/peer_actor.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/random_number.hpp"
#include "actors/runtime/replies.hpp"

#include <algorithm>
#include <utility>

namespace troupe::actors {
namespace {

/// How long the nodes of the members may take to say who their peers are.
constexpr Duration identity_timeout = std::chrono::seconds(1);

/// How long the members may take to elect and commit, after that.
constexpr Duration commit_timeout = std::chrono::seconds(2);

}  // namespace

/// Bootstraps a cluster (§4.4), or changes which peers vote in ours (§4.3). A cluster is made of
/// identities and not of names: we ask the nodes of the members for them before we propose.
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
                                .plan = plan_of(wanted, *std::move(target), *members),
                                .inquiry = ++last_inquiry_,
                                .questions = {},
                                .deadline = now() + identity_timeout + commit_timeout
                                            + (founds ? Duration{} : catch_up_timeout_),
                                .founds = founds,
                                .proposed_in = std::nullopt};
  change_->questions = questions(change_->plan);
  begin_turn();
  ask_members();
}

Plan PeerActor::plan_of(const wire::SetConfiguration& wanted, Configuration target,
                        const std::vector<NamedMember>& members) const {
  const EngineView view = engine_.view();
  const bool founds = engine_.configuration().empty();
  Plan plan{.current = engine_.configuration(),
            .target = std::move(target),
            .change = wanted.change,
            .named = {},
            .self = founds ? nobody : record_.id,
            .own_address = routes_.own_address(),
            .own_node = node_incarnation_,
            .kind = record_.kind,
            .cluster = founds ? ClusterId{} : view.hard_state.cluster,
            .term = view.hard_state.term,
            .acknowledged = {}};
  for (const NamedMember& member : members)
    plan.named.push_back(member.name);
  for (const auto& [peer, follower] : view.followers)
    plan.acknowledged.emplace(peer, std::max(follower.match, follower.acknowledged));
  return plan;
}

void PeerActor::ask_members() {
  Inquire inquire{.id = change_->inquiry,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = identity_timeout,
                  .enough = nullptr};
  for (const FullName& asked : change_->questions)
    inquire.questions.push_back(
        {asked.address, {.id = 0, .peer = asked.name, .body = wire::AskIdentity{}}});
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
  if (search_ && inquired.id == search_->inquiry)
    on_members_found(inquired.responses);
  else if (disk_search_ && inquired.id == disk_search_->inquiry)
    on_members_identified(inquired.responses);
  else if (change_ && !change_->proposed_in && inquired.id == change_->inquiry)
    on_identities(inquired.responses);
}

void PeerActor::on_identities(const std::vector<wire::Response>& responses) {
  Identities identities;
  const std::size_t count = std::min(responses.size(), change_->questions.size());
  for (std::size_t i = 0; i < count; ++i)
    identities.emplace(to_text(change_->questions[i]), responses[i]);
  begin_turn();
  propose_configuration(identities);
}

void PeerActor::propose_configuration(const Identities& identities) {
  Plan& plan = change_->plan;
  for (Member* member : members_to_ask(plan)) {
    const auto id = confirmed_id(*member, plan, identities);
    if (!id)
      return end_change(refused(change_->request, id.refusal(), id.detail()));
    if (*id != member->id && plan.target.has_member(*id))
      return end_change(refused(change_->request, Refusal::invalid,
                                full_name(*member) + " is in the configuration twice"));
    member->id = *id;
  }
  plan.target = normalized(std::move(plan.target));
  const auto entry = change_->founds ? engine_.bootstrap(plan.target, ClusterId{random_number()})
                                     : engine_.change_configuration(plan.target);
  if (entry) {
    change_->proposed_in = engine_.term();
    return warn_of_shared_nodes(plan.target);
  }
  // Another member was quicker: its configuration reached us while we asked.
  end_change(refused(change_->request, entry.refusal(),
                     entry.refusal() == Refusal::redirect ? leader_name() : entry.detail()));
}

void PeerActor::warn_of_shared_nodes(const Configuration& configuration) const {
  for (const std::string& address : shared_addresses(configuration))
    log(LogLevel::warning, "voters_share_node", {{"peer", record_.name}, {"address", address}});
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
  if (committed && view.configuration == change_->plan.target)
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
  log_handover(*target, "asked");
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
