#pragma once

#include "storage/directory.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace troupe::storage {

inline constexpr const char* acknowledged_of_store = "ACKNOWLEDGED";
inline constexpr const char* acknowledged_of_journal = "ACKNOWLEDGED.journal";

/// The file `ACKNOWLEDGED` beside LMDB's: the number of a transaction that was acknowledged. The
/// file `ACKNOWLEDGED.journal` has that of a record of the journal. LMDB goes back to the
/// transaction before when the newest of its two meta pages is damaged, and an older copy of its
/// file looks as sound as the newest. This number says that they are old.
///
/// Written after each commit and not synced: it may lag behind after a power cut, but never leads.
///
/// Stores of version 0.1 call the files `WITNESS` and `WITNESS.journal`. Those are read and
/// renamed.
class AcknowledgedFile {
public:
  /// Requires: the directory is locked by us.
  static Outcome<AcknowledgedFile> open(const std::string& directory,
                                        const std::string& name = acknowledged_of_store);

  /// 0 if nothing was acknowledged, or if nobody knows.
  std::uint64_t number() const { return number_; }

  /// Fails where the disk does; what was committed is, all the same. A full disk is no failure:
  /// the number that the file holds goes on to be true.
  [[nodiscard]] std::optional<StoreError> acknowledge(std::uint64_t number);

private:
  AcknowledgedFile(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_{};
  File file_{};
  std::uint64_t number_ = 0;
};

/// The number that `AcknowledgedFile` would have, without creating or renaming a file.
Outcome<std::uint64_t> read_acknowledged(const std::string& directory,
                                         const std::string& name = acknowledged_of_store);

}  // namespace troupe::storage
