#include "shell/reply.hpp"

#include "machine/printable.hpp"
#include "machine/words.hpp"
#include "shell/overloaded.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace troupe::shell {

namespace {

std::string joined(const std::vector<std::string>& words, char separator) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty())
      line += separator;
    line += word;
  }
  return line;
}

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string text_of(const Configuration& configuration) {
  std::string text = "voters=";
  text += configuration.empty() ? "none" : joined(full_names(configuration.voters), ',');
  if (configuration.is_joint())
    text += " old_voters=" + joined(full_names(configuration.old_voters), ',');
  if (!configuration.learners.empty())
    text += " learners=" + joined(full_names(configuration.learners), ',');
  if (!configuration.standbys.empty())
    text += " standbys=" + joined(full_names(configuration.standbys), ',');
  if (configuration.keep.count > 0)
    text += " keep_voters=" + std::to_string(configuration.keep.count)
            + " after_ms=" + std::to_string(milliseconds(configuration.keep.after));
  return text;
}

std::string text_of(const Members& members) {
  std::string text = text_of(members.configuration);
  if (!members.set_back.empty())
    text += " set_back=" + joined(members.set_back, ',');
  if (!members.disk_lost.empty())
    text += " disk_lost=" + joined(members.disk_lost, ',');
  return text;
}

/// One word: "12:40%".
std::string text_of(const wire::SnapshotProgress& progress) {
  return std::to_string(progress.index.value) + ':' + std::to_string(progress.percent) + '%';
}

/// One word.
std::string text_of(const wire::FollowerStatus& follower) {
  std::string text = follower.name + ";match=" + std::to_string(follower.match.value)
                     + ";next=" + std::to_string(follower.next.value)
                     + ";pace=" + std::string(name(follower.pace))
                     + ";in_flight=" + std::to_string(follower.in_flight_bytes)
                     + ";heard_ms=" + std::to_string(follower.heard_ms);
  if (follower.snapshot_bytes > 0)
    text += ";snapshot=" + std::to_string(follower.snapshot_sent) + '/'
            + std::to_string(follower.snapshot_bytes);
  if (follower.set_back)
    text += ";set_back=yes;acknowledged=" + std::to_string(follower.acknowledged.value);
  if (follower.disk_lost)
    text += ";disk_lost=yes";
  return text;
}

/// Where the log begins, and what takes the place of what was before.
std::string text_of_snapshots(const wire::PeerStatus& status) {
  std::string text = " first_index=" + std::to_string(status.first.value)
                     + " holes=" + std::to_string(status.holes)
                     + " cleaned_upto=" + std::to_string(status.cleaned_upto.value)
                     + " log_bytes=" + std::to_string(status.log_bytes)
                     + " snapshot_index=" + std::to_string(status.snapshot.index.value)
                     + " snapshot_bytes=" + std::to_string(status.snapshot_bytes);
  if (status.taking)
    text += " taking=" + text_of(*status.taking);
  if (status.receiving)
    text += " receiving=" + text_of(*status.receiving);
  for (const wire::FollowerStatus& follower : status.followers)
    text += " follower=" + text_of(follower);
  return text;
}

std::string text_of(const wire::PeerStatus& status) {
  return "name=" + status.name + " kind=" + status.kind + " role=" + std::string(name(status.role))
         + " leader=" + (status.leader.empty() ? "none" : status.leader) + " term="
         + std::to_string(status.term.value) + " commit=" + std::to_string(status.commit.value)
         + " applied=" + std::to_string(status.applied.value)
         + " last_index=" + std::to_string(status.last.index.value)
         + " last_term=" + std::to_string(status.last.term.value) + " configuration_index="
         + std::to_string(status.configuration_index.value) + ' ' + text_of(status.configuration)
         + (status.lease_ms > 0 ? " lease_ms=" + std::to_string(status.lease_ms) : "")
         + " read_rounds=" + std::to_string(status.read_rounds)
         + (status.set_back      ? " disk=set_back"
            : status.disk_full   ? " disk=full"
            : status.disk_stalls ? " disk=stalls"
                                 : "")
         + (status.quiet ? " quiet=yes" : "") + " store_bytes=" + std::to_string(status.store_bytes)
         + text_of_snapshots(status);
}

/// Whether the shell would read the same words from `value`, put together by single blanks.
bool reads_as_itself(const std::string& value) {
  static constexpr std::string_view special = "'\"\\;";
  const bool blanks =
      value.starts_with(' ') || value.ends_with(' ') || value.find("  ") != std::string::npos;
  const bool comment = value.starts_with('#') || value.find(" #") != std::string::npos;
  return !blanks && !comment && value.find_first_of(special) == std::string::npos;
}

/// A value so that the shell reads it back: as it is or, if its words are others then, as one word.
std::string text_of_value(const std::string& value) {
  if (!machine::is_printable(value))
    return machine::escaped(value);
  return reads_as_itself(value) ? value : machine::quoted(value);
}

/// A line for people, on its line. Lines that differ look different.
std::string text_of_line(const std::string& line) {
  return machine::is_printable(line) && !line.starts_with("$'") ? line : machine::escaped(line);
}

/// The payload stands last: it may hold blanks.
std::string text_of(const ShownEntry& entry) {
  std::string text = "index=" + std::to_string(entry.id.index.value)
                     + " term=" + std::to_string(entry.id.term.value)
                     + " kind=" + std::string(name(entry.kind));
  if (const auto* configuration = std::get_if<Configuration>(&entry.payload))
    text += " payload=" + text_of(*configuration);
  if (const auto* shown = std::get_if<std::string>(&entry.payload))
    text += " payload=" + text_of_line(*shown);
  return text;
}

std::string ok(const std::string& text) {
  return text.empty() ? "ok" : "ok " + text;
}

/// A word and what it is about. Without a detail the word may be a resource's own.
std::string text_of(const Failure& failure) {
  const std::string detail = text_of_line(failure.detail);
  if (detail.empty())
    return "error " + text_of_line(failure.error);
  if (failure.error == "usage")
    return "usage: " + detail;
  if (failure.error == "unknown_command")
    return "error unknown_command " + detail + " (try help)";
  return "error " + text_of_line(failure.error) + " " + detail;
}

/// Refusals whose detail is for people; the others are said by their word alone.
bool says_more(Refusal refusal) {
  switch (refusal) {
    case Refusal::unreachable:
    case Refusal::unknown_kind:
    case Refusal::invalid:
    case Refusal::too_large:
    case Refusal::disk_failed:
    case Refusal::too_many_peers:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<std::string> full_names(const std::vector<Member>& members) {
  std::vector<std::string> names;
  names.reserve(members.size());
  for (const Member& member : members)
    names.push_back(full_name(member));
  std::sort(names.begin(), names.end());
  return names;
}

std::string_view name(EntryKind kind) {
  switch (kind) {
    case EntryKind::noop:
      return "noop";
    case EntryKind::command:
      return "command";
    case EntryKind::released:
      return "released";
    case EntryKind::configuration:
      return "configuration";
  }
  return "unknown";
}

bool is_ok(const Reply& reply) {
  if (const auto* leader = std::get_if<Leader>(&reply))
    return !leader->peer.empty();
  return !std::holds_alternative<Redirect>(reply) && !std::holds_alternative<Failure>(reply);
}

Reply refused(Refusal refusal, const std::string& detail, const std::string& subject) {
  if (refusal == Refusal::redirect)
    return Redirect{detail};
  if (refusal == Refusal::resource)
    return Failure{detail.empty() ? std::string(name(refusal)) : detail, {}};
  // A node knows its peers by their names alone.
  const bool is_bare = !detail.empty() && detail.find('@') == std::string::npos;
  if (refusal == Refusal::no_peer && is_bare && !subject.empty())
    return Failure{std::string(name(refusal)), detail + "@" + subject};
  if (refusal == Refusal::timeout || refusal == Refusal::no_peer || refusal == Refusal::busy)
    return Failure{std::string(name(refusal)), detail};
  if (!says_more(refusal))
    return Failure{std::string(name(refusal)), {}};
  return Failure{std::string(name(refusal)), detail.empty() ? subject : detail};
}

std::string as_text(const Reply& reply) {
  const std::string text = std::visit(
      Overloaded{
          [](const Done&) { return std::string("ok"); },
          [](const Started& started) { return ok(started.peer); },
          [](const Leader& leader) { return leader.peer.empty() ? "none" : leader.peer; },
          [](const Answer& answer) {
            return ok(answer.is_words ? answer.shown : text_of_value(answer.shown));
          },
          [](const Peers& peers) { return ok(joined(peers.names, ' ')); },
          [](const wire::PeerStatus& status) { return ok(text_of(status)); },
          [](const Configuration& configuration) { return ok(text_of(configuration)); },
          [](const Members& members) { return ok(text_of(members)); },
          [](const wire::TakenSnapshot& taken) {
            return ok(std::to_string(taken.id.index.value) + ' '
                      + std::to_string(taken.size_bytes));
          },
          [](const ShownEntry& entry) { return ok(text_of(entry)); },
          [](const Manual& manual) { return manual.text; },
          [](const Redirect& redirect) {
            return "error redirect " + (redirect.leader.empty() ? "none" : redirect.leader);
          },
          [](const Failure& failure) { return text_of(failure); },
      },
      reply);
  // A node may call itself anything.
  const bool lines = std::holds_alternative<Manual>(reply);
  return lines || machine::is_printable(text) ? text : machine::escaped(text);
}

}  // namespace troupe::shell
