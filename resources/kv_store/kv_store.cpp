#include "resources/kv_store/kv_store.hpp"

#include "core/assert.hpp"
#include "machine/words.hpp"
#include "resources/flat.hpp"
#include "resources/kv_store/kv_store_generated.h"

#include <utility>

namespace troupe::resources {

namespace format = kv_store::format;
using machine::Reply;
using machine::View;
using machine::Words;

namespace {

using Message = Flat<format::Message>;

std::string_view view(const flatbuffers::String* text) {
  return {text->data(), text->size()};
}

bool is_command(const Message& message) {
  return message
         && (message->ask_type() == format::Ask::Set || message->ask_type() == format::Ask::Delete);
}

bool is_query(const Message& message) {
  return message
         && (message->ask_type() == format::Ask::Get || message->ask_type() == format::Ask::List);
}

/// In the same memory, unless that is much too large.
void overwrite(std::string& old, std::string_view value) {
  if (value.size() < old.capacity() / 2)
    old = std::string(value);
  else
    old.assign(value);
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

  if (const format::Set* asked = message->ask_as_Set())
    return set(command.index, view(asked->key()), view(asked->value()));
  return erase(command.index, view(message->ask_as_Delete()->key()));
}

Reply KvStore::set(Index index, std::string_view key, std::string_view value) {
  Reply reply = Reply::ok();
  if (const auto place = places_.find(key)) {
    KvValue& there = (*place)->second;
    reply.released = {there.set_by};
    keep_for_saver(key, &there);
    overwrite(there.value, value);
    there.set_by = index;
  } else {
    keep_for_saver(key, nullptr);
    KvValue first{.value = std::string(value), .set_by = index};
    places_.add(values_.emplace(key, std::move(first)).first);
  }
  return reply;
}

Reply KvStore::erase(Index index, std::string_view key) {
  const auto place = places_.find(key);
  if (!place)
    return Reply::refused("key_not_found");
  Reply reply = Reply::ok();
  reply.released = {(*place)->second.set_by, index};
  keep_for_saver(key, &(*place)->second);
  places_.remove(*place);
  values_.erase(*place);
  return reply;
}

/// What stood under `key`, or that nothing did, is about to go: it is moved away where it is still
/// needed.
void KvStore::keep_for_saver(std::string_view key, KvValue* before) {
  if (saver_ == nullptr || !saver_->needs(key))
    return;
  if (before == nullptr)
    saver_->keep(key, std::nullopt);
  else
    saver_->keep(key, std::move(*before));
}

Reply KvStore::query(View question) const {
  const Message message(question);
  if (!is_query(message))
    return Reply::refused("invalid");

  if (const format::List* asked = message->ask_as_List())
    return list(view(asked->prefix()),
                asked->after() == nullptr ? std::nullopt : std::optional(view(asked->after())));
  const auto place = places_.find(view(message->ask_as_Get()->key()));
  if (!place)
    return Reply::refused("key_not_found");
  return Reply::ok((*place)->second.value);
}

Reply KvStore::list(std::string_view prefix, std::optional<std::string_view> after) const {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<flatbuffers::String>> keys;
  std::size_t bytes = 0;
  auto at = after && *after >= prefix ? values_.upper_bound(*after) : values_.lower_bound(prefix);
  for (; at != values_.end() && at->first.starts_with(prefix); ++at) {
    bytes += at->first.size();
    const bool is_full = keys.size() == kv_store::page_keys_max || bytes > kv_store::page_bytes_max;
    if (is_full && !keys.empty())
      break;
    keys.push_back(string(builder, at->first));
  }
  const bool more = at != values_.end() && at->first.starts_with(prefix);
  builder.Finish(format::CreatePage(builder, builder.CreateVector(keys), more));
  return Reply::ok(bytes_of(builder));
}

std::string KvStore::save() const {
  return saved(values_);
}

bool KvStore::load(View saved) {
  TROUPE_ASSERT(saver_ == nullptr);

  clear();
  if (load_piece(saved) && end_load())
    return true;
  clear();
  return false;
}

void KvStore::clear() {
  values_.clear();
  places_.rebuild(values_);
  loader_.reset();
}

std::unique_ptr<machine::Saver> KvStore::start_save() {
  return std::make_unique<KvSaver>(values_, saver_);
}

bool KvStore::load_piece(View piece) {
  if (!loader_)
    loader_.emplace(values_);
  return loader_->load(piece);
}

bool KvStore::end_load() {
  const bool complete = loader_ && loader_->is_complete();
  loader_.reset();
  places_.rebuild(values_);
  return complete;
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

std::string list(std::string_view prefix, std::optional<std::string_view> after) {
  flatbuffers::FlatBufferBuilder builder;
  const auto prefix_at = string(builder, prefix);
  const auto after_at = after ? string(builder, *after) : 0;
  return encode(builder, format::Ask::List,
                format::CreateList(builder, prefix_at, after_at).Union());
}

std::optional<Page> read_page(std::string_view value) {
  const Flat<format::Page> read(machine::bytes(value));
  if (!read)
    return std::nullopt;
  Page page{.keys = {}, .more = read->more()};
  for (const flatbuffers::String* key : *read->keys())
    page.keys.push_back(key->str());
  return page;
}

}  // namespace kv_store

namespace {

constexpr std::string_view commands_usage = "set KEY VALUE | delete KEY";
constexpr std::string_view queries_usage = "get KEY | list [PREFIX [AFTER]]";

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
  if (!words.empty() && words.size() <= 3 && words[0] == "list")
    return kv_store::list(
        words.size() > 1 ? std::string_view(words[1]) : "",
        words.size() > 2 ? std::optional<std::string_view>(words[2]) : std::nullopt);
  return {Refusal::invalid, std::string(queries_usage)};
}

std::string show_command(View command) {
  const Message message(command);
  TROUPE_ASSERT(is_command(message));
  if (const format::Set* set = message->ask_as_Set())
    return machine::joined({"set", set->key()->str(), set->value()->str()});
  return machine::joined({"delete", message->ask_as_Delete()->key()->str()});
}

/// Keys as they can be typed, and the query that gives the next page: "a 'b c' (more: list '' 'b
/// c')". A key in parentheses stands in quotes.
std::string show_page(std::string_view prefix, std::string_view value) {
  const std::optional<kv_store::Page> page = kv_store::read_page(value);
  if (!page)
    return "";
  std::string text = machine::joined(page->keys);
  if (page->more)
    text += " (more: " + machine::joined({"list", std::string(prefix), page->keys.back()}) + ")";
  return text;
}

/// A command is answered with what it was about: "foo bar" of `set foo bar`.
std::string show_reply(View asked, std::string_view value) {
  const Message message(asked);
  TROUPE_ASSERT(is_command(message) || is_query(message));
  if (const format::Set* set = message->ask_as_Set())
    return set->key()->str() + ' ' + set->value()->str();
  if (const format::Delete* deleted = message->ask_as_Delete())
    return deleted->key()->str();
  if (const format::List* list = message->ask_as_List())
    return show_page(view(list->prefix()), value);
  return std::string(value);
}

/// A list is keys as they can be typed.
bool shows_words(View asked) {
  const Message message(asked);
  TROUPE_ASSERT(is_command(message) || is_query(message));
  return message->ask_as_List() != nullptr;
}

}  // namespace

machine::Kind kv_store_kind() {
  return {
      .name = "kv_store",
      .make = []() -> std::unique_ptr<machine::Resource> { return std::make_unique<KvStore>(); },
      .valid_command = [](View bytes) { return is_command(Message(bytes)); },
      .valid_query = [](View bytes) { return is_query(Message(bytes)); },
      .text =
          machine::KindText{
              .help =
                  "set KEY VALUE           store a value\n"
                  "delete KEY              forget it\n"
                  "get KEY                 read it\n"
                  "list [PREFIX [AFTER]]   the keys that begin so, from behind AFTER on; a page of "
                  "them",
              .parse_command = parse_command,
              .parse_query = parse_query,
              .show_command = show_command,
              .show_reply = show_reply,
              .shows_words = shows_words}};
}

}  // namespace troupe::resources
