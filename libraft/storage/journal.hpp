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
/// into room that is there already, and one sync, make a record durable. Internal to this room.
///
/// Records are numbered. They stand side by side from the beginning of the file, each in sectors of
/// its own: a write that is torn by a power cut damages none that was durable before. When the
/// store behind has made all of them durable the journal begins anew, over what was there.
///
/// Only the last record may be torn, for it was the only one on its way. So a damaged one is the
/// end of the journal if nothing with a higher number stands behind it, and if nobody knows that it
/// was acknowledged; else it is an error, and never a shorter log.
class Journal {
public:
  struct Options {
    std::string directory{};
    std::uint64_t bytes = std::uint64_t{16} << 20;
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

  /// Whether a record of so many bytes fits before the journal begins anew.
  bool has_room(std::size_t bytes) const;
  /// Makes `record` durable. After an error nobody knows what is. Requires: it fits.
  [[nodiscard]] Problem append(Value record);
  /// Begins anew. Requires: the store behind has all records.
  void restart() { end_ = begin_bytes; }

  /// The number of the last record.
  std::uint64_t last() const { return last_; }
  bool empty() const { return end_ == begin_bytes; }
  bool is_half_full() const { return end_ > bytes_ / 2; }
  /// What is used of the file.
  std::uint64_t used_bytes() const { return end_; }

private:
  static constexpr std::uint64_t begin_bytes = 4096;

  Journal(File file, std::string path, std::uint64_t bytes)
      : file_(std::move(file)), path_(std::move(path)), bytes_(bytes) {}

  Problem create();
  Problem read(const Options& options, const Take& take);
  Problem find_later(std::uint64_t number, Value all, std::uint64_t from) const;

  File file_{};
  std::string path_{};
  std::uint64_t bytes_ = 0;
  std::uint64_t end_ = begin_bytes;
  std::uint64_t last_ = 0;
  std::vector<std::uint8_t> buffer_{};
};

}  // namespace troupe::storage
