#pragma once

#include "machine/kind.hpp"
#include "machine/resource.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::resources {

using machine::Reply;
using machine::Words;

/// A resource whose commands, queries, replies and state are text: a replicated state in twenty
/// lines (examples/counter). What `Resource` asks of `apply`, `query`, `save` and `load` holds for
/// the functions below.
class TextResource : public machine::Resource {
public:
  /// A command, with at least one word. Nonsense is refused with one word and changes nothing: it
  /// alone is cleaned from the log, for words do not say which entry they supersede.
  virtual Reply write(const Words& words) = 0;
  /// A query, with at least one word.
  virtual Reply read(const Words& words) const = 0;
  /// The whole state: equal states give equal text.
  virtual std::string save_text() const = 0;
  /// Becomes the state that `save_text` wrote; false, and an empty state, if `saved` is not such.
  virtual bool load_text(const std::string& saved) = 0;

  Reply apply(const machine::Command& command) final;
  Reply query(machine::View question) const final;
  std::string save() const final { return save_text(); }
  bool load(machine::View saved) final { return load_text(std::string(machine::text(saved))); }
};

/// A kind of resources without code of its own. `make` makes an empty one; see `Kind`.
machine::Kind text_kind(std::string name, std::string help,
                        std::function<std::unique_ptr<machine::Resource>()> make);

/// The kind of `T`, a `TextResource`.
template <class T>
machine::Kind text_kind(std::string name, std::string help) {
  return text_kind(std::move(name), std::move(help),
                   []() -> std::unique_ptr<machine::Resource> { return std::make_unique<T>(); });
}

/// Words as the bytes of a command or query.
std::string encode_words(const Words& words);
/// `nullopt` if `bytes` are not such, or hold no word.
std::optional<Words> decode_words(machine::View bytes);

/// All of `text` as a decimal number, with '-' where it is negative; nothing if it is none or does
/// not fit.
std::optional<std::int64_t> number(std::string_view text);

}  // namespace troupe::resources
