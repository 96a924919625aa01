#include "resources/text/text.hpp"

#include "core/assert.hpp"
#include "machine/words.hpp"
#include "resources/flat.hpp"
#include "resources/text/words_generated.h"

#include <charconv>
#include <vector>

namespace troupe::resources {

using machine::View;

namespace {

bool holds_words(View bytes) {
  const Flat<format::Words> flat(bytes);
  return flat && flat->words()->size() > 0;
}

Result<std::string> parse(const Words& words) {
  if (words.empty())
    return {Refusal::invalid, "WORD..."};
  return encode_words(words);
}

std::string show_command(View command) {
  const std::optional<Words> words = decode_words(command);
  TROUPE_ASSERT(words.has_value());
  return machine::joined(*words);
}

}  // namespace

Reply TextResource::apply(const machine::Command& command) {
  const std::optional<Words> words = decode_words(command.bytes);
  return words ? write(*words) : Reply::refused("invalid");
}

Reply TextResource::query(View question) const {
  const std::optional<Words> words = decode_words(question);
  return words ? read(*words) : Reply::refused("invalid");
}

machine::Kind text_kind(std::string name, std::string help,
                        std::function<std::unique_ptr<machine::Resource>()> make) {
  return {.name = std::move(name),
          .make = std::move(make),
          .valid_command = holds_words,
          .valid_query = holds_words,
          .text = machine::KindText{
              .help = std::move(help),
              .parse_command = parse,
              .parse_query = parse,
              .show_command = show_command,
              .show_reply = [](View, std::string_view value) { return std::string(value); }}};
}

std::string encode_words(const Words& words) {
  flatbuffers::FlatBufferBuilder builder;
  const auto words_at = builder.CreateVectorOfStrings(words);
  builder.Finish(format::CreateWords(builder, words_at));
  return bytes_of(builder);
}

std::optional<Words> decode_words(View bytes) {
  const Flat<format::Words> flat(bytes);
  if (!flat || flat->words()->size() == 0)
    return std::nullopt;

  Words words;
  words.reserve(flat->words()->size());
  for (const flatbuffers::String* word : *flat->words())
    words.push_back(word->str());
  return words;
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stopped != end)
    return std::nullopt;
  return value;
}

}  // namespace troupe::resources
