#include "machine/resource.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "test/fuzz/draw.hpp"
#include "wire/command.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace troupe::fuzz {

namespace {

namespace kv_store = resources::kv_store;

/// Entries of a log, as any client can fill them: each envelope is read, its command checked,
/// shown and applied. Whatever stands in the log, the state can be saved and comes back equal, and
/// an entry is released once.
Problem run(Input input) {
  static const machine::Kind kind = resources::kv_store_kind();
  Draw draw(input);
  resources::KvStore store;
  std::set<std::uint64_t> released;
  for (std::uint64_t index = 1; !draw.at_end(); ++index) {
    const bool wrapped = draw.chance();
    const Input drawn = draw.take(draw.byte());
    const Bytes envelope = wrapped ? wire::encode_command(drawn) : Bytes::copy_of(drawn);
    const auto command = wire::read_command(envelope);
    if (!command) {
      if (wrapped)
        return "an envelope of ours is not read";
      continue;
    }
    const bool valid = kind.valid_command(command->payload);
    if (valid)
      (void)kind.text->show_command(command->payload);
    if (kind.valid_query(command->payload))
      (void)store.query(command->payload);
    const machine::Reply reply = store.apply({.index = {index}, .bytes = command->payload});
    if (!valid && reply.error.empty())
      return "a command that is not valid was applied";
    for (const Index gone : reply.released)
      if (gone.value > index || !released.insert(gone.value).second)
        return "an entry is released twice, or before it is there";
  }
  resources::KvStore copy;
  const std::string saved = store.save();
  if (!copy.load(machine::bytes(saved)) || copy.save() != saved)
    return "a state is not what was saved of it";
  return std::nullopt;
}

std::string piece(bool wrapped, std::string_view command) {
  std::string all{static_cast<char>(wrapped ? 1 : 0), static_cast<char>(command.size())};
  all += command;
  return all;
}

std::vector<std::string> seeds() {
  const std::string set = kv_store::set("key", "value");
  const std::string get = kv_store::get("key");
  const std::string erase = kv_store::erase("key");
  const std::string envelope(wire::encode_command(machine::bytes(set)).text());
  return {piece(true, set) + piece(true, set) + piece(true, get) + piece(true, erase)
              + piece(true, erase),
          piece(false, envelope) + piece(true, kv_store::set("", "")) + piece(true, set)};
}

}  // namespace

Target commands_target() {
  return {.name = "commands",
          .summary = "commands and queries of the key-value store",
          .run = run,
          .seeds = seeds,
          .input_bytes_max = 1024};
}

}  // namespace troupe::fuzz
