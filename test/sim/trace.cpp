#include "test/sim/trace.hpp"

#include <string_view>
#include <variant>

namespace troupe::sim {

namespace {

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

struct BodyText {
  std::string operator()(const PreVoteRequest& request) const {
    return "pre_vote_request" + term + " last=" + text(request.last);
  }
  std::string operator()(const PreVoteResponse& response) const {
    return "pre_vote_response" + term + " asked=" + number(response.asked.value)
           + (response.granted ? " granted" : " refused");
  }
  std::string operator()(const VoteRequest& request) const {
    return "vote_request" + term + " last=" + text(request.last)
           + (request.transfer ? " transfer" : "");
  }
  std::string operator()(const VoteResponse& response) const {
    return "vote_response" + term + (response.granted ? " granted" : " refused");
  }
  std::string operator()(const AppendRequest& request) const {
    std::string out = "append_request" + term + " after=" + text(request.previous)
                      + " commit=" + number(request.commit.value) + read(request.read);
    if (const auto members = decode_configuration(request.members.text()))
      out += " members=" + text(*members);
    if (request.horizon != Index{})
      out += " floor=" + number(request.floor.value) + " horizon=" + number(request.horizon.value);
    if (request.quiet)
      out += " quiet";
    if (request.acknowledged.index > request.previous.index)
      out += " acknowledged=" + text(request.acknowledged);
    if (request.entries.empty())
      return out;
    out += " [";
    for (const Entry& entry : request.entries)
      out += (out.back() == '[' ? "" : " ") + text(entry);
    return out + "]";
  }
  std::string operator()(const AppendResponse& response) const {
    std::string out = "append_response" + term;
    if (const auto* accepted = std::get_if<Accepted>(&response.verdict))
      out += " matched=" + number(accepted->matched.value);
    else
      out += " rejected=" + text(std::get<Rejected>(response.verdict).previous)
             + " hint=" + text(std::get<Rejected>(response.verdict).hint);
    if (response.wants_snapshot != Index{})
      out += " wants_snapshot=" + number(response.wants_snapshot.value);
    return out + read(response.read) + (response.quiet ? " quiet" : "")
           + (response.set_back ? " set_back" : "");
  }
  std::string operator()(const TimeoutNow&) const { return "timeout_now" + term; }
  std::string operator()(const ReadIndexRequest& request) const {
    return "read_index_request" + term + " upto=" + number(request.upto.value);
  }
  std::string operator()(const ReadIndexResponse& response) const {
    return "read_index_response" + term + " upto=" + number(response.upto.value)
           + " index=" + number(response.index.value);
  }
  std::string operator()(const SnapshotChunk& chunk) const {
    return "snapshot_chunk" + term + " of=" + text(chunk.head) + " bytes=" + number(chunk.offset)
           + "+" + number(chunk.data.size());
  }
  std::string operator()(const SnapshotResponse& response) const {
    return "snapshot_response" + term + " of=" + text(response.id.last)
           + " at=" + number(response.offset) + " upto=" + number(response.upto)
           + (response.corrupt ? " corrupt" : "");
  }

  static std::string read(ReadId id) { return id == ReadId{} ? "" : " read=" + number(id.value); }

  std::string term;
};

std::string state_of(const EngineView& view) {
  std::string out(name(view.role));
  out += " term=" + number(view.hard_state.term.value);
  if (view.hard_state.voted_for != nobody)
    out += " vote=" + number(view.hard_state.voted_for.value);
  if (view.leader != nobody)
    out += " leader=" + number(view.leader.value);
  if (view.quiet)
    out += " quiet";
  return out;
}

}  // namespace

std::string text(EntryId id) {
  return number(id.term.value) + "/" + number(id.index.value);
}

std::string text(const Configuration& configuration) {
  std::string out = "c(";
  const auto add = [&out](const std::vector<Member>& members, std::string_view prefix) {
    for (const Member& member : members) {
      if (out.back() != '(')
        out += ' ';
      out += prefix;
      out += number(member.id.value);
    }
  };
  add(configuration.voters, "");
  add(configuration.old_voters, "old:");
  add(configuration.learners, "learner:");
  add(configuration.standbys, "standby:");
  if (configuration.keep.count > 0)
    out += " keep:" + number(configuration.keep.count);
  return out + ")";
}

std::string text(const SnapshotHead& head) {
  return text(head.place.id) + "/" + number(head.size_bytes) + text(head.place.configuration);
}

std::string text(const Entry& entry) {
  switch (entry.kind) {
    case EntryKind::noop:
      return text(entry.id);
    case EntryKind::command:
      return text(entry.id) + "=" + std::string(entry.payload.text());
    case EntryKind::released:
      return text(entry.id) + "=released";
    case EntryKind::configuration:
      break;
  }
  const auto configuration = decode_configuration(entry.payload.text());
  return text(entry.id) + "=" + (configuration ? text(*configuration) : "c(?)");
}

std::string text(const Message& message) {
  return number(message.from.value) + "->" + number(message.to.value) + " "
         + std::visit(BodyText{" term=" + number(message.term.value)}, message.body);
}

std::string text(const Write& write) {
  std::string out =
      "write " + number(write.id.value) + ": term=" + number(write.hard_state.term.value);
  if (write.hard_state.voted_for != nobody)
    out += " vote=" + number(write.hard_state.voted_for.value);
  if (write.snapshot)
    out += " snapshot=" + text(*write.snapshot);
  if (write.restart)
    out += " restart";
  if (write.truncate_from)
    out += " truncate=" + number(write.truncate_from->value);
  if (write.cut_before)
    out += " cut_before=" + number(write.cut_before->value);
  if (write.entries.empty())
    return out;
  out += " [";
  for (const Entry& entry : write.entries)
    out += (out.back() == '[' ? "" : " ") + text(entry);
  return out + "]";
}

std::string text(const EngineView& view, const Log& log) {
  std::string out = state_of(view) + ":";
  for (Index i = log.first(); i <= log.last().index; i = next(i)) {
    out += " " + text(log.at(i));
    if (i == view.persisted)
      out += "*";
    if (i == view.commit)
      out += "|";
  }
  return out;
}

std::string text(const EngineView& view) {
  return state_of(view) + " last=" + text(view.last) + " persisted=" + number(view.persisted.value)
         + " commit=" + number(view.commit.value) + " applied=" + number(view.applied.value);
}

}  // namespace troupe::sim
