#include "test/fuzz/engine_life.hpp"
#include "test/wire/samples.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::fuzz {

namespace {

Member member(std::uint64_t id) {
  return {.id = {id}, .name = "p" + std::to_string(id), .address = "h:" + std::to_string(id)};
}

/// What is left of a message when it went over the wire; nothing if a decoder refuses it.
std::optional<Message> verified(Message message) {
  auto decoded = wire::decode(wire::body_of(wire::PeerMessages{{std::move(message)}}));
  if (!decoded)
    return std::nullopt;
  auto* packet = std::get_if<wire::PeerMessages>(&*decoded);
  return packet->messages.size() == 1 ? std::optional(std::move(packet->messages.front()))
                                      : std::nullopt;
}

constexpr std::size_t steps_max = 400;

Problem run(Input input) {
  Draw draw(input);
  EngineLife life(draw);
  for (std::size_t i = 0; i < steps_max && !draw.at_end() && !life.problem(); ++i)
    life.step();
  return life.problem();
}

// A step is its number, then what it draws.
const std::string deadline = "\2";
const std::string persist = "\3\2";
const std::string two_is_silent = "\11\2\2";

/// Peer 2 leads, has nothing to do, and then is not there.
std::string quiet_follower() {
  const std::string rest{'\14', '\0', '\4', '\0', '\4', '\0', '\0', '\1', '\0', '\1', '\0', '\1'};
  return "\6" + rest + two_is_silent + rest + deadline;
}

/// We are elected, all that there is gets committed, and 2 and 3 say that they rest; then 2 is not
/// there.
std::string quiet_leader() {
  const std::string pre_vote{'\14', '\0', '\1', '\1', '\3'};
  const std::string vote{'\14', '\0', '\3', '\1'};
  const auto accepted = [](char head, char quiet) {
    return std::string{'\14', head, '\5', '\1', '\0', '\0', '\1', '\1', quiet};
  };
  const std::string a_while{'\0', '\170'};
  return "\6" + deadline + pre_vote + persist + vote + persist + accepted('\0', '\0')
         + accepted('\10', '\0') + a_while + accepted('\0', '\1') + accepted('\10', '\1')
         + two_is_silent + accepted('\10', '\1');
}

std::vector<std::string> seeds() {
  std::vector<std::string> all;
  // Pre-vote and vote of peer 2, whose answers have the number of their body; then commands.
  all.push_back(std::string("\6", 1) + deadline + deadline + persist + "\5" + persist);
  all.push_back(quiet_follower());
  all.push_back(quiet_leader());
  for (char body = 0; body < 11; ++body) {
    std::string one("\4", 1);
    for (char i = 0; i < 8; ++i) {
      one.append(deadline)
          .append({'\14', '\0', '\0', '\2', body, '\1', i, '\1', '\1'})
          .append(persist);
      one.append({'\5', '\0', '\1', '\14', '\0', '\0', '\2', '\4', i, '\2', '\1'});
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

EntryId EngineLife::draw_id() {
  if (draw_.below(3) == 0)
    return before_.last;
  return {{draw_.number()}, {draw_.number()}};
}

Configuration EngineLife::draw_configuration() {
  Configuration configuration;
  const std::uint8_t voters = draw_.byte();
  const std::uint8_t others = draw_.byte();
  for (std::uint64_t id = 1; id <= 4; ++id) {
    if ((voters >> id & 1) != 0)
      configuration.voters.push_back(member(id));
    if ((voters >> (id + 3) & 1) != 0 && (others & 1) != 0)
      configuration.old_voters.push_back(member(id));
    if ((others >> id & 1) != 0)
      configuration.learners.push_back(member(id));
    if ((others >> (id + 3) & 1) != 0)
      configuration.standbys.push_back(member(id));
  }
  return configuration;
}

SnapshotHead EngineLife::draw_head() {
  // Few that differ: bytes of one are to meet.
  const std::uint8_t which = draw_.byte();
  return {.place = {.id = (which & 1) != 0 ? EntryId{{2}, {which / 16u + 1u}} : draw_id(),
                    .configuration = {.voters = {member(1), member(2), member(3)}},
                    .configuration_index = {1}},
          .size_bytes = 1u + (which >> 1) % 4u,
          .hash = 1u + (which >> 3) % 4u};
}

std::vector<Entry> EngineLife::draw_entries(EntryId previous, Term upto) {
  std::vector<Entry> entries;
  for (unsigned count = draw_.below(4); count > 0; --count) {
    previous = {{std::min(upto.value, previous.term.value + draw_.below(2))},
                {previous.index.value + 1}};
    Entry entry{.id = previous, .kind = EntryKind::command, .payload = Bytes::copy_of("y")};
    const unsigned kind = draw_.below(8);
    if (kind == 0) {
      entry.kind = EntryKind::configuration;
      entry.payload = Bytes::copy_of(encode(draw_configuration()));
    } else if (kind == 1) {
      entry.kind = EntryKind::released;
      entry.payload = {};
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Body EngineLife::draw_body(Term term) {
  switch (draw_.below(11)) {
    case 0:
      return PreVoteRequest{draw_id()};
    case 1:
      return PreVoteResponse{.granted = draw_.chance(), .asked = {draw_.number()}};
    case 2:
      return VoteRequest{.last = draw_id(), .transfer = draw_.chance()};
    case 3:
      return VoteResponse{.granted = draw_.chance()};
    case 4: {
      AppendRequest request{.previous = draw_id(), .commit = {draw_.number()}};
      request.entries = draw_entries(request.previous, term);
      request.read = {draw_.number()};
      if (draw_.below(16) == 0)
        request.members = Bytes::copy_of(encode(draw_configuration()));
      request.floor = {draw_.number()};
      request.horizon = {draw_.below(4) == 0 ? draw_.number() : 0};
      request.sent_at = Time(static_cast<Time::rep>(draw_.number() >> 1));
      request.quiet = draw_.chance();
      return request;
    }
    case 5:
      return AppendResponse{
          .verdict = Accepted{draw_.chance() ? before_.last.index : Index{draw_.number()}},
          .read = {draw_.number()},
          .sent_at = now_,
          .promised = Duration(draw_.byte() * 1000),
          .wants_snapshot = {draw_.below(4) == 0 ? draw_.number() : 0},
          .disk_full = draw_.below(8) == 0,
          .quiet = draw_.chance()};
    case 6:
      return AppendResponse{.verdict = Rejected{.previous = draw_id(), .hint = draw_id()}};
    case 7:
      return TimeoutNow{};
    case 8:
      return ReadIndexRequest{.upto = {draw_.number()}, .boot = draw_.number()};
    case 9:
      return ReadIndexResponse{
          .upto = {draw_.number()}, .boot = draw_.number(), .index = {draw_.number()}};
    default:
      break;
  }
  const SnapshotHead head = draw_head();
  if (draw_.chance()) {
    const std::uint64_t offset = draw_.below(4);
    return SnapshotChunk{
        .head = head, .offset = offset, .data = Bytes::copy_of(draw_.take(draw_.below(4)))};
  }
  return SnapshotResponse{.id = before_.snapshot ? before_.snapshot->id() : head.id(),
                          .offset = draw_.number(),
                          .upto = draw_.number(),
                          .corrupt = draw_.chance()};
}

void EngineLife::receive() {
  const std::uint8_t head = draw_.byte();
  const Term around = engine_->term();
  // From where most make sense: peer 2 or 3, in our term or the next.
  const Term term = (head & 7) == 7 ? Term{draw_.number()} : Term{around.value + (head & 1)};
  Message message{.cluster = {(head & 0x70) == 0x70 ? draw_.number() : 77},
                  .from = {head >> 7 != 0 ? draw_.below(6) : 2u + (head >> 3 & 1)},
                  .to = {1},
                  .term = term,
                  .body = draw_body(term)};
  if (const auto sound = verified(std::move(message)))
    engine_->step(*sound);
}

Target engine_target() {
  return {.name = "engine",
          .summary = "one peer's protocol, among others that say anything",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 768};
}

}  // namespace troupe::fuzz
