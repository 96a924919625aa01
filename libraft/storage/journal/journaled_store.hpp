#pragma once

#include "storage/journal/journal.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace troupe::storage {

/// A store that a journal may stand in front of. Used by one thread at a time, and not always the
/// same. Internal to this layer.
class MarkedStore : public Store {
public:
  /// As `write`, and remembers `record` in the same transaction: the last record of the journal
  /// that is in here.
  [[nodiscard]] virtual std::optional<StoreError> write_upto(std::span<const PeerWrite> writes,
                                                             std::uint64_t record) = 0;
  virtual std::uint64_t last_record() const = 0;
  /// Sees to it that entries of so many bytes find room. False if they may not.
  virtual bool reserve(std::uint64_t bytes) = 0;
  virtual bool is_full() const = 0;
};

struct JournalOptions {
  std::string directory{};
  std::uint64_t bytes = 0;
};

/// `store` behind a journal: what is written is durable after one write and one sync, and reaches
/// `store` later, much at a time and by a thread that lives as long as that takes. What the journal
/// holds from before is written to `store` first.
///
/// On a disk that is full, or nearly, writes go straight to `store`, which knows what to do.
Outcome<std::unique_ptr<Store>> put_journal_before(std::unique_ptr<MarkedStore> store,
                                                   const JournalOptions& options);

}  // namespace troupe::storage
