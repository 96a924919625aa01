#pragma once

#include "storage/directory.hpp"
#include "storage/record.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

/// The file of a journal in `directory`.
std::string journal_file(const std::string& directory);

/// A file of a fixed size, `directory/journal`, in front of a store that is slow to sync: one write
/// into room that is there already, and one sync, make a record durable. Internal to this layer.
///
/// Records are numbered, and stand side by side in one of the file's halves, from its beginning.
/// When a half is full the next record begins the other one, over what was there: so much of the
/// journal can be written while the store behind makes the rest durable. Each record has sectors of
/// its own: a write that is torn by a power cut damages none that was durable before.
///
/// Only the last record may be torn, for it was the only one on its way. So a damaged one is the
/// end of the journal if nothing with a higher number stands anywhere, and if nobody knows that it
/// was acknowledged; else it is an error, and never a shorter log.
class Journal {
public:
  struct Options {
    std::string directory{};
    std::uint64_t bytes = std::uint64_t{8} << 20;
    std::uint64_t applied = 0;       ///< The last record that the store behind has.
    std::uint64_t acknowledged = 0;  ///< The last record known to have been durable; it may lag.
  };
  /// Takes a record; what it says is wrong ends the opening.
  using Take = std::function<Problem(Value)>;

  /// Opens or creates the file, and gives `take` all records behind `applied`, in order.
  static Outcome<Journal> open(const Options& options, const Take& take);

  /// Gives `take` all records behind `applied` and changes nothing, also while another process
  /// appends. If that one begins anew meanwhile it may seem damaged; look again at both.
  static Problem look(const Options& options, const Take& take);

  /// The longest record that a half takes.
  std::uint64_t record_bytes_max() const;
  /// Whether a record of so many bytes fits into the half that is written.
  bool has_room(std::size_t bytes) const;
  /// Makes `record` durable. After an error nobody knows what is. Requires: it fits.
  [[nodiscard]] Problem append(Value record);
  /// Goes on in the other half. Requires: the store behind has all that stands there.
  void turn();
  /// Begins the half that is written anew. Requires: the store behind has all records.
  void restart() { end_ = begin_of(half_); }

  /// The number of the last record.
  std::uint64_t last() const { return last_; }
  const std::string& path() const { return path_; }

private:
  Journal(File file, std::string path, std::uint64_t bytes)
      : file_(std::move(file)), path_(std::move(path)), bytes_(bytes) {}

  Problem create();
  Problem read(const Options& options, const Take& take);
  Problem read_head(Value all);
  Problem read_half(Value all, unsigned half, const Take& take);
  Problem find_later(Value all) const;
  std::uint64_t begin_of(unsigned half) const;
  std::uint64_t end_of(unsigned half) const { return half == 0 ? begin_of(1) : bytes_; }

  File file_{};
  std::string path_{};
  std::uint64_t bytes_ = 0;
  std::uint64_t salt_ = 0;
  unsigned half_ = 0;      ///< The one that is written...
  std::uint64_t end_ = 0;  ///< ...up to here.
  std::uint64_t last_ = 0;
  std::vector<std::uint8_t> buffer_{};
};

}  // namespace troupe::storage
