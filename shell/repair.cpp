#include "shell/repair.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe::shell {

namespace {

/// Members whose configuration is newer name others, who may name others.
constexpr int rounds_max = 8;

Sighting sighting_of(const Member& member, const wire::Response& identity,
                     const wire::Response& status) {
  Sighting sighting{.member = member};
  if (identity.refusal == Refusal::unreachable || identity.refusal == Refusal::timeout)
    return sighting;
  const auto* who = std::get_if<wire::Identity>(&identity.body);
  sighting.state = Sighting::State::stranger;
  if (who == nullptr || who->id != member.id)
    return sighting;
  sighting.state = Sighting::State::stopped;
  if (const auto* running = std::get_if<wire::PeerStatus>(&status.body)) {
    sighting.state = Sighting::State::running;
    sighting.last = running->last;
    sighting.leader = running->leader;
    sighting.configuration = running->configuration;
    sighting.configuration_index = running->configuration_index;
  }
  return sighting;
}

std::vector<Sighting> ask_members(const std::vector<Member>& members, const AskNodes& ask) {
  std::vector<Question> questions;
  for (const Member& member : members) {
    questions.push_back({member.address, {.peer = member.name, .body = wire::AskIdentity{}}});
    questions.push_back({member.address, {.peer = member.name, .body = wire::AskStatus{}}});
  }
  const std::vector<wire::Response> responses = ask(questions);
  std::vector<Sighting> sightings;
  for (std::size_t i = 0; i < members.size(); ++i)
    sightings.push_back(sighting_of(members[i], responses.at(2 * i), responses.at(2 * i + 1)));
  return sightings;
}

/// Whether the survivor and those whose logs still exist are enough for `configuration`.
bool quorum_lives(const Configuration& configuration, PeerId survivor,
                  const std::vector<Sighting>& sightings) {
  std::map<PeerId, bool> alive{{survivor, true}};
  for (const Sighting& sighting : sightings)
    if (sighting.has_its_log())
      alive[sighting.member.id] = true;
  return tally(configuration, alive) == Tally::won;
}

std::string names_of_living(const std::vector<Sighting>& sightings) {
  std::string names;
  for (const Sighting& sighting : sightings)
    if (sighting.has_its_log())
      names += (names.empty() ? "" : ", ") + text_of(sighting);
  return names;
}

std::optional<Failure> refusal_of_living(const Survivor& survivor,
                                         const std::vector<Sighting>& sightings) {
  for (const Sighting& sighting : sightings)
    if (!sighting.leader.empty())
      return Failure{"cluster_lives", full_name(sighting.member)
                                          + (sighting.leader == full_name(sighting.member)
                                                 ? std::string(" leads")
                                                 : " follows " + sighting.leader)
                                          + ": remove and add members through the leader"};
  bool lives = quorum_lives(survivor.configuration, survivor.record.id, sightings);
  for (const Sighting& sighting : sightings)
    if (sighting.configuration_index > survivor.configuration_index)
      lives = lives || quorum_lives(sighting.configuration, survivor.record.id, sightings);
  if (lives)
    return Failure{"quorum_lives",
                   "with this peer there is a quorum, which needs no repair: start "
                   "this node and what is stopped ("
                       + names_of_living(sightings) + ")"};
  return std::nullopt;
}

std::optional<Failure> refusal_of_better(const Survivor& survivor,
                                         const std::vector<Sighting>& sightings) {
  for (const Sighting& sighting : sightings) {
    if (sighting.state == Sighting::State::stopped)
      return Failure{"unknown_log", full_name(sighting.member)
                                        + " is stopped, and may know more: start it, so that it "
                                          "says what it has, or pass --even-if-behind"};
    if (sighting.state == Sighting::State::running && sighting.last > survivor.last)
      return Failure{"behind", full_name(sighting.member) + " has entries up to "
                                   + text_of(sighting.last) + ", this peer up to "
                                   + text_of(survivor.last)
                                   + ": repair that one, or pass --even-if-behind"};
  }
  if (!survivor.configuration.has_member(survivor.record.id))
    return Failure{"removed",
                   "this peer is no member any more by entry "
                       + std::to_string(survivor.configuration_index.value)
                       + " of its own log, and may have missed much: pass --even-if-behind"};
  return std::nullopt;
}

std::string_view name(Sighting::State state) {
  switch (state) {
    case Sighting::State::silent:
      return "silent";
    case Sighting::State::stranger:
      return "gone (its node runs without it)";
    case Sighting::State::stopped:
      return "stopped";
    case Sighting::State::running:
      return "running";
  }
  return "unknown";
}

}  // namespace

Survivor survivor_of(storage::PeerRecord record, const Recovered& recovered) {
  Survivor survivor{
      .record = std::move(record), .hard_state = recovered.hard_state, .last = recovered.before};
  if (recovered.snapshot) {
    survivor.configuration = recovered.snapshot->place.configuration;
    survivor.configuration_index = recovered.snapshot->place.configuration_index;
    survivor.last = std::max(survivor.last, recovered.snapshot->place.id);
  }
  if (!recovered.entries.empty())
    survivor.last = recovered.entries.back().id;
  for (const Entry& entry : recovered.entries)
    if (entry.kind == EntryKind::configuration)
      if (auto configuration = decode_configuration(entry.payload.text())) {
        survivor.configuration = *std::move(configuration);
        survivor.configuration_index = entry.id.index;
      }
  return survivor;
}

std::vector<Sighting> look_around(const Survivor& survivor, const AskNodes& ask) {
  std::vector<Sighting> sightings;
  std::vector<Member> next = survivor.configuration.members();
  for (int round = 0; round < rounds_max; ++round) {
    std::erase_if(next, [&](const Member& member) {
      return member.id == survivor.record.id
             || std::ranges::any_of(sightings, [&](const Sighting& sighting) {
                  return sighting.member.id == member.id;
                });
    });
    if (next.empty())
      break;
    std::vector<Member> named;
    for (Sighting& sighting : ask_members(std::exchange(next, {}), ask)) {
      if (sighting.configuration_index > survivor.configuration_index)
        for (const Member& member : sighting.configuration.members())
          if (std::ranges::find(named, member.id, &Member::id) == named.end())
            named.push_back(member);
      sightings.push_back(std::move(sighting));
    }
    next = std::move(named);
  }
  return sightings;
}

std::optional<Failure> refusal_to_force(const Survivor& survivor,
                                        const std::vector<Sighting>& sightings,
                                        bool even_if_behind) {
  const std::string& peer = survivor.record.name;
  if (survivor.configuration.empty())
    return Failure{"not_configured", peer + " belongs to no cluster: set_configuration founds one"};
  if (tally(survivor.configuration, {{survivor.record.id, true}}) == Tally::won)
    return Failure{"alone", peer + " decides alone already: start its node"};
  if (auto living = refusal_of_living(survivor, sightings))
    return living;
  return even_if_behind ? std::nullopt : refusal_of_better(survivor, sightings);
}

Write forced_write(const Survivor& survivor, ClusterId cluster) {
  const Member* known = survivor.configuration.find(survivor.record.id);
  const Member self =
      known != nullptr
          ? *known
          : Member{.id = survivor.record.id, .name = survivor.record.name, .address = {}};
  const Term term{std::max(survivor.hard_state.term, survivor.last.term).value + 1};
  Write write{.id = {1}, .hard_state = {.term = term, .voted_for = nobody, .cluster = cluster}};
  write.entries.push_back({.id = {term, next(survivor.last.index)},
                           .kind = EntryKind::configuration,
                           .payload = Bytes::copy_of(encode(Configuration{.voters = {self}}))});
  return write;
}

std::string report(const Survivor& survivor, const std::vector<Sighting>& sightings) {
  std::string text = "peer " + survivor.record.name + " (" + survivor.record.kind
                     + "): entries up to " + text_of(survivor.last) + ", term "
                     + std::to_string(survivor.hard_state.term.value) + "\n";
  text += "configuration of entry " + std::to_string(survivor.configuration_index.value) + ":\n";
  for (const Member& member : survivor.configuration.members())
    if (member.id == survivor.record.id)
      text += "  " + full_name(member) + " is this peer\n";
  for (const Sighting& sighting : sightings)
    text += "  " + text_of(sighting) + "\n";
  return text;
}

std::string text_of(EntryId id) {
  return std::to_string(id.term.value) + "/" + std::to_string(id.index.value);
}

std::string text_of(const Sighting& sighting) {
  std::string text = full_name(sighting.member) + " is " + std::string(name(sighting.state));
  if (sighting.state == Sighting::State::running)
    text += " with entries up to " + text_of(sighting.last)
            + (sighting.leader.empty() ? ", without a leader" : ", leader " + sighting.leader);
  return text;
}

}  // namespace troupe::shell
