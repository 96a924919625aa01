#pragma once

#include "actors/messages.hpp"
#include "storage/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe::actors {

/// The disk of a node, for all its peers. Spawn it detached: it is the one who waits for a sync.
///
/// Group commit without a timer: while one transaction is being synced the next writes gather in
/// the mailbox, and all that gathered becomes one transaction. A disk that failed once is not asked
/// again: we no longer know what is durable, so everyone who waits hears so and stops.
class StoreActor : public caf::event_based_actor {
public:
  StoreActor(caf::actor_config& config, std::unique_ptr<storage::Store> store);

  caf::behavior make_behavior() override;
  const char* name() const override { return "store"; }
  void on_exit() override;

private:
  void on_write(StoreWrite& message);
  void on_flush();
  void on_put(const PutPeer& message);
  void on_recover(const RecoverPeer& message);
  /// Makes durable what waits, and says so to each who waits.
  void write_pending();
  void fail(const storage::StoreError& error);

  std::unique_ptr<storage::Store> store_;
  std::optional<storage::StoreError> failure_{};
  bool flush_pending_ = false;

  struct Waiting {
    caf::actor reply_to{};
    WriteId upto{};
  };
  std::vector<storage::PeerWrite> pending_{};
  std::map<PeerId, Waiting> waiting_{};
};

}  // namespace troupe::actors
