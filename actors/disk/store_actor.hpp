#pragma once

#include "actors/disk/messages.hpp"
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
///
/// A disk that is full is asked again and again. What it refuses stays here, in order, and those
/// who wait wait on; everybody hears that it is full, so that little more is asked for.
class StoreActor : public caf::event_based_actor {
public:
  StoreActor(caf::actor_config& config, std::unique_ptr<storage::Store> store);

  caf::behavior make_behavior() override;
  const char* name() const override { return "store"; }
  void on_exit() override;

private:
  void on_write(StoreWrite& message);
  void on_flush();
  void on_wake();
  void on_put(const PutPeer& message);
  void on_recover(const RecoverPeer& message);
  void on_delete(const DeletePeer& message);
  void forget_pending(PeerId peer);
  /// Makes durable what waits, and says so to each who waits.
  void write_pending();
  bool write_all();
  void write_what_fits();
  void tell(bool full);
  void answer(const std::vector<storage::PeerWrite>& written);
  void fail(const storage::StoreError& error);

  std::unique_ptr<storage::Store> store_;
  std::optional<storage::StoreError> failure_{};
  bool flush_pending_ = false;
  bool wake_pending_ = false;
  bool full_ = false;  ///< As the peers know it.

  std::vector<storage::PeerWrite> pending_{};
  std::map<PeerId, caf::actor> writers_{};  ///< The peers that run, as far as they wrote.
};

}  // namespace troupe::actors
