#include "shell/repair_command.hpp"

#include "actors/client/client.hpp"
#include "actors/runtime/random_number.hpp"
#include "core/hexadecimal.hpp"
#include "storage/directory.hpp"
#include "storage/lmdb/lmdb_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <future>
#include <iostream>
#include <memory>
#include <utility>
#include <variant>

namespace troupe::shell {

namespace {

constexpr const char* log_name = "/repair.log";

Failure failure_of(const storage::StoreError& error) {
  switch (error.kind) {
    case storage::StoreError::Kind::locked:
      return {"locked", "stop the node first: " + error.text};
    case storage::StoreError::Kind::corrupt:
      return {"corrupt", "nothing can be built on this peer: " + error.text};
    case storage::StoreError::Kind::io:
    case storage::StoreError::Kind::no_space:
    case storage::StoreError::Kind::version:
      break;
  }
  return {"disk_failed", error.text};
}

std::variant<Survivor, Failure> find_survivor(storage::Store& store, const std::string& name) {
  auto records = store.peers();
  if (const auto* error = std::get_if<storage::StoreError>(&records))
    return failure_of(*error);
  std::string others;
  for (auto& record : std::get<std::vector<storage::PeerRecord>>(records)) {
    if (record.name != name) {
      others += " " + record.name;
      continue;
    }
    auto recovered = store.recover(record.id);
    if (const auto* error = std::get_if<storage::StoreError>(&recovered))
      return failure_of(*error);
    return survivor_of(std::move(record), std::get<Recovered>(recovered));
  }
  return Failure{"no_peer",
                 name + " is not here; there are:" + (others.empty() ? " none" : others)};
}

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  char text[32];
  gmtime_r(&now, &utc);
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string line_for_log(const Survivor& survivor, const std::vector<Sighting>& sightings,
                         const Write& write) {
  std::string line = "force-configuration peer=" + survivor.record.name + " id="
                     + hexadecimal(survivor.record.id.value) + " last=" + text_of(survivor.last)
                     + " term=" + std::to_string(survivor.hard_state.term.value)
                     + " cluster=" + hexadecimal(survivor.hard_state.cluster.value)
                     + " new_cluster=" + hexadecimal(write.hard_state.cluster.value)
                     + " new_entry=" + text_of(write.entries.back().id);
  for (const Sighting& sighting : sightings)
    line += "; " + text_of(sighting);
  return line;
}

std::string warning(const Survivor& survivor, const std::vector<Sighting>& sightings) {
  std::string text = "What the others were given behind " + text_of(survivor.last)
                     + " is lost, acknowledged or not: nothing here tells whether there was any.\n"
                     + "Silent is not dead: make sure that no majority goes on where this node "
                       "can't see it.\n"
                     + survivor.record.name
                     + " will lead alone, a cluster with an id of its own. Members of the old one "
                       "that come back are refused.\n";
  for (const Sighting& sighting : sightings)
    if (sighting.has_its_log())
      text += "Don't repair " + full_name(sighting.member)
              + " as well: there would be two clusters. Let it join anew, with an empty store.\n";
  return text;
}

/// Writes `line` behind `path`, durably.
bool append_line(const std::string& path, const std::string& line) {
  const storage::File file = storage::open_directly(path, O_WRONLY | O_CREAT | O_APPEND);
  const std::string text = time_of_day() + " " + line + "\n";
  return file.is_open()
         && ::write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size())
         && ::fsync(file.fd()) == 0;
}

std::vector<wire::Response> ask_nodes(const std::vector<Question>& questions, Duration timeout) {
  actors::Client client(actors::ClientOptions{.timeout = timeout});
  std::vector<std::future<wire::Response>> answers;
  answers.reserve(questions.size());
  for (const Question& question : questions)
    answers.push_back(client.request(question.address, question.request, timeout));
  std::vector<wire::Response> responses;
  responses.reserve(answers.size());
  for (auto& answer : answers)
    responses.push_back(answer.get());
  return responses;
}

bool ask_human(const RepairSettings& settings, const std::string& shown) {
  if (settings.json)
    return settings.yes;
  std::cout << shown;
  if (settings.yes)
    return true;
  std::cout << "Type " << settings.peer << " to go on: " << std::flush;
  std::string typed;
  std::getline(std::cin, typed);
  return typed == settings.peer;
}

Reply open_and_force(const RepairSettings& settings) {
  // Opening would create it.
  if (storage::file_bytes(storage::data_file(settings.directory)) == 0)
    return Failure{"not_found", "no node has kept anything in " + settings.directory};
  // Before there are threads: opening may fork a child that checks the file. It stays ours until
  // the end, so that no node starts meanwhile.
  auto opened = storage::open_lmdb_store({.directory = settings.directory});
  if (const auto* error = std::get_if<storage::StoreError>(&opened))
    return failure_of(*error);
  const RepairTools tools{
      .ask = [&](const auto& questions) { return ask_nodes(questions, settings.timeout); },
      .confirm = [&](const std::string& shown) { return ask_human(settings, shown); },
      .cluster = {actors::random_number()},
      .note = [&](const auto& line) { return append_line(settings.directory + log_name, line); }};
  return force_configuration(*std::get<std::unique_ptr<storage::Store>>(opened), settings, tools);
}

}  // namespace

Reply force_configuration(storage::Store& store, const RepairSettings& settings,
                          const RepairTools& tools) {
  auto found = find_survivor(store, settings.peer);
  if (const auto* failure = std::get_if<Failure>(&found))
    return *failure;
  const auto& survivor = std::get<Survivor>(found);
  const std::vector<Sighting> sightings = look_around(survivor, tools.ask);
  if (auto refusal = refusal_to_force(survivor, sightings, settings.even_if_behind))
    return *std::move(refusal);
  if (!tools.confirm(report(survivor, sightings) + warning(survivor, sightings)))
    return Failure{"not_confirmed", "nothing was changed"};

  // The old cluster's id stands nowhere else afterwards: the log of repairs comes first.
  const Write write = forced_write(survivor, tools.cluster);
  const std::string line = line_for_log(survivor, sightings, write);
  if (!tools.note(line))
    return Failure{"disk_failed", "nothing was changed: repair.log can't be written"};
  const storage::PeerWrite forced[] = {{survivor.record.id, write}};
  if (const auto error = store.write(forced))
    return failure_of(*error);
  if (!tools.note("done: " + line))
    return Failure{"disk_failed", "done, but repair.log can't be written"};
  return *decode_configuration(write.entries.back().payload.text());
}

int run_repair(const RepairSettings& settings) {
  const Reply reply = open_and_force(settings);
  (is_ok(reply) || settings.json ? std::cout : std::cerr)
      << (settings.json ? as_json(reply) : as_text(reply)) << std::endl;
  return is_ok(reply) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace troupe::shell
