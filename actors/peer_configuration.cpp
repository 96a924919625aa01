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

/// The member of `configuration` that `named` means, as far as name and address tell.
const Member* known(const Configuration& configuration, const NamedMember& named) {
  const Member* member = configuration.find(named.name);
  return member != nullptr && member->address == named.address ? member : nullptr;
}

}  // namespace

/// Founds a cluster (§4.4), or changes who votes in ours (§4.3). A cluster is made of identities
/// and not of names: the nodes of members that are new to us are asked who they are; then we
/// propose.
void PeerActor::set_configuration(const caf::actor& connection, const wire::Request& request,
                                  const wire::SetConfiguration& wanted) {
  if (stopping_)
    return respond(this, connection, refused(request.id, Refusal::stopping));
  auto members = parse_members(wanted.members, routes_.own_address());
  if (!members)
    return respond(this, connection, refused(request.id, members.refusal(), members.detail()));
  if (auto refusal = refusal_to_configure(request.id, *members))
    return respond(this, connection, *std::move(refusal));

  const bool founds = engine_.configuration().empty();
  change_ = ConfigurationChange{.connection = connection,
                                .request = request.id,
                                .members = {},
                                .deadline = now() + identity_timeout + commit_timeout
                                            + (founds ? Duration{} : catch_up_timeout_),
                                .founds = founds,
                                .term = {},
                                .target = {}};
  Inquire inquire{.id = ++inquiry_,
                  .reply_to = self(),
                  .questions = {},
                  .timeout = identity_timeout,
                  .enough = nullptr};
  for (const NamedMember& named : *members) {
    const Member* member = known(engine_.configuration(), named);
    change_->members.push_back(
        member != nullptr ? *member
                          : Member{.id = nobody, .name = named.name, .address = named.address});
    if (member == nullptr)
      inquire.questions.push_back(
          {named.address, {.id = 0, .peer = named.name, .body = wire::AskIdentity{}}});
  }
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
  if (!change_ || change_->target || inquired.id != inquiry_)
    return;
  begin_turn();
  propose_configuration(inquired.responses);
}

/// `identities` are those of the members that we do not know, in their order.
void PeerActor::propose_configuration(const std::vector<wire::Response>& identities) {
  auto configuration = configuration_of(identities);
  if (!configuration)
    return end_change(refused(change_->request, configuration.refusal(), configuration.detail()));
  const auto entry = change_->founds ? engine_.bootstrap(*configuration, ClusterId{random_number()})
                                     : engine_.change_configuration(*configuration);
  if (entry) {
    change_->target = *std::move(configuration);
    change_->term = engine_.term();
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
  auto answer = identities.begin();
  for (Member voter : change_->members) {
    if (voter.id == nobody) {
      const auto id = id_of(voter, *answer++);
      if (!id)
        return {id.refusal(), id.detail()};
      voter.id = *id;
    }
    if (!ids.insert(voter.id).second)
      return {Refusal::invalid, full_name(voter) + " is in the configuration twice"};
    configuration.voters.push_back(std::move(voter));
  }
  return normalized(std::move(configuration));
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
  if (!change_ || !change_->target)
    return;
  const EngineView view = engine_.view();
  const bool committed = view.configuration_index <= view.commit && !view.changing;
  if (committed && view.configuration == *change_->target)
    return end_change({.id = change_->request,
                       .refusal = Refusal::none,
                       .detail = {},
                       .body = view.configuration});
  if (change_->founds)
    return;  // Its first leader may fail; the configuration is in the log all the same.
  if (view.role != Role::leader || view.hard_state.term != change_->term)
    return end_change(refused(change_->request, Refusal::unknown_outcome));
  if (committed)
    end_change(refused(change_->request, Refusal::timeout, "the newcomers did not catch up"));
}

void PeerActor::end_change_if_late() {
  if (change_ && now() >= change_->deadline)
    end_change(refused(change_->request, Refusal::timeout));
}

}  // namespace troupe::actors
