#include "shell/entry.hpp"

#include "core/configuration.hpp"
#include "wire/command.hpp"

#include <optional>
#include <string>

namespace troupe::shell {

namespace {

std::string size_of(const Entry& entry) {
  return "(" + std::to_string(entry.payload.size()) + " bytes)";
}

std::string command_of(const Entry& entry, const machine::Kind* kind) {
  const std::optional<wire::CommandView> command = wire::read_command(entry.payload);
  if (kind == nullptr || !kind->text || !command || !kind->valid_command(command->payload))
    return size_of(entry);
  return kind->text->show_command(command->payload);
}

}  // namespace

ShownEntry shown(const Entry& entry, const machine::Kind* kind) {
  ShownEntry result{.id = entry.id, .kind = entry.kind, .payload = {}};
  if (entry.kind == EntryKind::command)
    result.payload = command_of(entry, kind);
  if (entry.kind == EntryKind::configuration) {
    if (std::optional<Configuration> configuration = decode_configuration(entry.payload.text()))
      result.payload = std::move(*configuration);
    else
      result.payload = size_of(entry);
  }
  return result;
}

}  // namespace troupe::shell
