#pragma once

#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::machine {

/// Bytes of a command, query or snapshot, as the resource's own codec made them.
using View = std::span<const std::uint8_t>;

/// A committed command on its way to its resource.
struct Command {
  Index index{};  ///< Of its entry. Each command has another, and they only grow.
  View bytes{};   ///< Valid during the call.
};

/// What a resource answers. A reply with an `error` is the resource's own
/// refusal ("key_not_found"): one word in lower case, the same on every replica.
struct Reply {
  std::string error{};
  std::string value{};  ///< As the resource's codec encodes it; empty on error.

  /// The entries that matter no more because of this command, to be cleaned from the log (§5.3):
  /// those that it supersedes, and its own if it leaves nothing behind (it deleted what the others
  /// had made: a tombstone). A state that applies all commands but those that were released must
  /// be, behind the last command that released some of them, the state that applied all. One that
  /// was superseded may be gone before those that it had superseded itself; a tombstone is gone
  /// behind all that it released. A refused command changed nothing, and is released without being
  /// named here.
  std::vector<Index> released{};

  static Reply ok(std::string value = {}) {
    return {.error = {}, .value = std::move(value), .released = {}};
  }
  static Reply refused(std::string why) {
    return {.error = std::move(why), .value = {}, .released = {}};
  }
  /// By what a client gets.
  friend bool operator==(const Reply& a, const Reply& b) {
    return a.error == b.error && a.value == b.value;
  }
};

/// Pieces of a saved state are at most this long.
inline constexpr std::size_t saved_piece_bytes_max = std::size_t{1} << 20;

/// Gives a state as it was when the saver was made, in pieces: equal states give equal pieces.
class Saver {
public:
  Saver() = default;
  Saver(const Saver&) = delete;
  Saver& operator=(const Saver&) = delete;
  virtual ~Saver() = default;

  /// The next piece; empty when there are no more.
  virtual std::string next() = 0;
  /// How much of it was given; a guess for people.
  virtual int percent() const = 0;
};

/// What a user replicates: a state that changes by commands alone.
///
/// Every replica applies the same commands in the same order and must come to
/// the same state and the same replies. So a resource sees no clock, no chance,
/// no other resource, no address and no order of a hash table.
///
/// One thread at a time calls it, in log order; it needs no locks.
class Resource {
public:
  Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  virtual ~Resource() = default;

  /// Changes the state as `command` asks. A command that makes no sense is
  /// answered with a refusal and changes nothing. An exception counts as the
  /// refusal "resource_failed"; the state must be as before it then.
  virtual Reply apply(const Command& command) = 0;

  /// Answers a question. Changes nothing.
  virtual Reply query(View question) const = 0;

  /// The whole state as bytes: equal states give equal bytes.
  virtual std::string save() const = 0;

  /// Becomes the state that `save` wrote. False if `saved` is not such; the state is then empty.
  virtual bool load(View saved) = 0;

  // ---- For states that are too large to be saved at one go while commands wait. The defaults cut
  // ---- what `save` gives, and gather it again for `load`.

  /// Starts to save the state as it is at this moment, piece by piece, while commands go on to
  /// change it. One saver at a time; it is gone before the resource is.
  virtual std::unique_ptr<Saver> start_save();

  /// The next piece of what a saver gave; the first one finds an empty state, and nothing else
  /// happens in between. False if it can't be that; the resource is of no use then.
  virtual bool load_piece(View piece);
  /// There are no more pieces. False if some are missing.
  virtual bool end_load();

private:
  std::string gathered_{};  ///< The pieces of a load under way, for the default.
};

inline std::string_view text(View bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline View bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace troupe::machine
