#include "resources/kv_store/kv_store.hpp"

#include "core/assert.hpp"
#include "machine/words.hpp"
#include "resources/flat.hpp"
#include "resources/kv_store/kv_store_generated.h"
#include "resources/saved.hpp"

#include <optional>
#include <utility>

namespace troupe::resources {

namespace format = kv_store::format;
using machine::Reply;
using machine::View;
using machine::Words;

namespace {

using Message = Flat<format::Message>;

constexpr std::uint8_t format_version = 1;

std::string_view view(const flatbuffers::String* text) {
  return {text->data(), text->size()};
}

bool is_command(const Message& message) {
  return message
         && (message->ask_type() == format::Ask::Set || message->ask_type() == format::Ask::Delete);
}

bool is_query(const Message& message) {
  return message && message->ask_type() == format::Ask::Get;
}

std::string encode(flatbuffers::FlatBufferBuilder& builder, format::Ask type,
                   flatbuffers::Offset<void> ask) {
  builder.Finish(format::CreateMessage(builder, type, ask));
  return bytes_of(builder);
}

flatbuffers::Offset<flatbuffers::String> string(flatbuffers::FlatBufferBuilder& builder,
                                                std::string_view text) {
  return builder.CreateString(text.data(), text.size());
}

}  // namespace

Reply KvStore::apply(const machine::Command& command) {
  const Message message(command.bytes);
  if (!is_command(message))
    return Reply::refused("invalid");

  if (const format::Set* set = message->ask_as_Set()) {
    values_.insert_or_assign(std::string(view(set->key())), view(set->value()));
    return Reply::ok();
  }
  const auto it = values_.find(view(message->ask_as_Delete()->key()));
  if (it == values_.end())
    return Reply::refused("key_not_found");
  values_.erase(it);
  return Reply::ok();
}

Reply KvStore::query(View question) const {
  const Message message(question);
  if (!is_query(message))
    return Reply::refused("invalid");

  const auto it = values_.find(view(message->ask_as_Get()->key()));
  if (it == values_.end())
    return Reply::refused("key_not_found");
  return Reply::ok(it->second);
}

std::string KvStore::save() const {
  SavedWriter out(format_version);
  out.number(values_.size());
  for (const auto& [key, value] : values_) {
    out.text(key);
    out.text(value);
  }
  return out.take();
}

bool KvStore::load(View saved) {
  values_.clear();
  SavedReader in(saved, format_version);
  std::map<std::string, std::string, std::less<>> values;
  const std::uint64_t count = in.number();
  for (std::uint64_t i = 0; i < count && in.good(); ++i) {
    const std::string_view key = in.text();
    const std::string_view value = in.text();
    // In any other order, or twice, they are not what `save` writes.
    if (!values.empty() && key <= values.rbegin()->first)
      return false;
    values.emplace_hint(values.end(), key, value);
  }
  if (!in.at_end())
    return false;
  values_ = std::move(values);
  return true;
}

namespace kv_store {

std::string set(std::string_view key, std::string_view value) {
  flatbuffers::FlatBufferBuilder builder;
  const auto key_at = string(builder, key);
  const auto value_at = string(builder, value);
  return encode(builder, format::Ask::Set, format::CreateSet(builder, key_at, value_at).Union());
}

std::string erase(std::string_view key) {
  flatbuffers::FlatBufferBuilder builder;
  const auto key_at = string(builder, key);
  return encode(builder, format::Ask::Delete, format::CreateDelete(builder, key_at).Union());
}

std::string get(std::string_view key) {
  flatbuffers::FlatBufferBuilder builder;
  const auto key_at = string(builder, key);
  return encode(builder, format::Ask::Get, format::CreateGet(builder, key_at).Union());
}

}  // namespace kv_store

namespace {

constexpr std::string_view commands_usage = "set KEY VALUE | delete KEY";
constexpr std::string_view queries_usage = "get KEY";

Result<std::string> parse_command(const Words& words) {
  if (words.size() == 3 && words[0] == "set")
    return kv_store::set(words[1], words[2]);
  if (words.size() == 2 && words[0] == "delete")
    return kv_store::erase(words[1]);
  return {Refusal::invalid, std::string(commands_usage)};
}

Result<std::string> parse_query(const Words& words) {
  if (words.size() == 2 && words[0] == "get")
    return kv_store::get(words[1]);
  return {Refusal::invalid, std::string(queries_usage)};
}

std::string show_command(View command) {
  const Message message(command);
  TROUPE_ASSERT(is_command(message));
  if (const format::Set* set = message->ask_as_Set())
    return machine::joined({"set", set->key()->str(), set->value()->str()});
  return machine::joined({"delete", message->ask_as_Delete()->key()->str()});
}

/// A command is answered with what it was about: "foo bar" of `set foo bar`.
std::string show_reply(View asked, std::string_view value) {
  const Message message(asked);
  TROUPE_ASSERT(is_command(message) || is_query(message));
  if (const format::Set* set = message->ask_as_Set())
    return set->key()->str() + ' ' + set->value()->str();
  if (const format::Delete* deleted = message->ask_as_Delete())
    return deleted->key()->str();
  return std::string(value);
}

}  // namespace

machine::Kind kv_store_kind() {
  return {
      .name = "kv_store",
      .help =
          "set KEY VALUE   store a value\n"
          "delete KEY      forget it\n"
          "get KEY         read it",
      .make = []() -> std::unique_ptr<machine::Resource> { return std::make_unique<KvStore>(); },
      .valid_command = [](View bytes) { return is_command(Message(bytes)); },
      .valid_query = [](View bytes) { return is_query(Message(bytes)); },
      .parse_command = parse_command,
      .parse_query = parse_query,
      .show_command = show_command,
      .show_reply = show_reply};
}

}  // namespace troupe::resources
