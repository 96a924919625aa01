#include "shell/log_command.hpp"

#include "shell/entry.hpp"
#include "shell/json.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>
#include <variant>

namespace troupe::shell {

namespace {

/// Sixteen digits: JSON's numbers do not hold an id. Null for nobody.
Json json_of_id(std::uint64_t id) {
  static constexpr std::string_view digits = "0123456789abcdef";
  if (id == 0)
    return nullptr;
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4)
    text += digits[id >> shift & 0xf];
  return text;
}

/// Null if there is none.
Json json_of(const std::optional<SnapshotHead>& head) {
  if (!head)
    return nullptr;
  return {{"term", head->place.id.term.value},
          {"index", head->place.id.index.value},
          {"bytes", head->size_bytes},
          {"hash", json_of_id(head->hash)}};
}

Json json_of(const storage::StoreDump::Peer& dump) {
  const std::vector<Entry>& entries = dump.recovered.entries;
  const auto holes = std::count_if(entries.begin(), entries.end(), [](const Entry& entry) {
    return entry.kind == EntryKind::released;
  });
  return {{"peer", dump.record.name},
          {"id", json_of_id(dump.record.id.value)},
          {"kind", dump.record.kind},
          {"running", dump.record.running},
          {"term", dump.recovered.hard_state.term.value},
          {"voted_for", json_of_id(dump.recovered.hard_state.voted_for.value)},
          {"cluster", json_of_id(dump.recovered.hard_state.cluster.value)},
          {"first", next(dump.recovered.before.index).value},
          {"entries", entries.size()},
          {"holes", holes},
          {"horizon", dump.recovered.hard_state.horizon.value},
          {"snapshot", json_of(dump.recovered.snapshot)}};
}

}  // namespace

std::vector<std::string> lines_of(const storage::StoreDump& dump, const machine::Kinds& kinds) {
  std::vector<std::string> lines;
  for (const storage::StoreDump::Peer& peer : dump.peers) {
    lines.push_back(on_one_line(json_of(peer)));
    const auto kind = kinds.find(peer.record.kind);
    for (const Entry& entry : peer.recovered.entries) {
      Json line;
      line["peer"] = peer.record.name;
      line.update(shell::json_of(shown(entry, kind == kinds.end() ? nullptr : &kind->second)));
      lines.push_back(on_one_line(line));
    }
  }
  return lines;
}

int dump_log(const LogSettings& settings, const machine::Kinds& kinds) {
  const storage::Outcome<storage::StoreDump> outcome = storage::read_store(settings.directory);
  if (const auto* error = std::get_if<storage::StoreError>(&outcome)) {
    std::cerr << "error: " << error->text << std::endl;
    return EXIT_FAILURE;
  }
  for (const std::string& line : lines_of(std::get<storage::StoreDump>(outcome), kinds))
    std::cout << line << '\n';
  std::cout.flush();
  return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace troupe::shell
