#pragma once

#include "actors/disk/messages.hpp"
#include "actors/node/node.hpp"
#include "actors/peer/messages.hpp"
#include "actors/peer/peer_options.hpp"
#include "actors/runtime/file_budget.hpp"
#include "actors/runtime/gathering.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/transport/messages.hpp"
#include "actors/transport/socket.hpp"
#include "storage/store.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::actors {

/// A peer that its node starts with, as the store has it.
struct RestoredPeer {
  storage::PeerRecord record{};
  Recovered recovered{};  ///< Of a peer that runs, or is held back.
};

struct NodeParts {
  NodeOptions options{};  ///< `advertise` is not empty.
  FileBudget files{};
  Listening listening{};
  std::vector<RestoredPeer> peers{};
  caf::actor store{};
  caf::actor snapshots{};
  std::function<void(std::string)> on_failure{};  ///< The disk failed. Called on some thread.
  std::function<void()> on_stopped{};             ///< All is over. Called once, on some thread.
};

/// Owns everything that lives in a process: peers, store, acceptor, links. Starts and stops them,
/// and answers for peers that do not run.
class NodeActor : public caf::event_based_actor {
public:
  NodeActor(caf::actor_config& config, NodeParts parts);

  caf::behavior make_behavior() override;
  const char* name() const override { return "node"; }
  void on_exit() override;

private:
  /// A client whose request takes a while.
  struct Asker {
    caf::actor connection{};
    std::uint64_t request = 0;
    Ticket ticket{};
  };
  enum class State : std::uint8_t { stopped, starting, running, stopping, deleting };
  /// A peer that has its log here.
  struct Hosted {
    storage::PeerRecord record{};
    State state = State::stopped;
    bool is_new = false;      ///< Never ran: there is nothing to recover.
    bool recovering = false;  ///< The store reads its log for the start under way.
    /// Its identity, while `NodeOptions::held_peer` holds it back.
    std::optional<wire::Identity> held{};
    EngineOptions options{};
    caf::actor actor{};           ///< While running or stopping.
    std::vector<Asker> askers{};  ///< Of the start, stop or deletion under way.
    /// Last in force. Unknown (nullopt) of a peer that did not run since the node started.
    std::optional<Configuration> configuration{};
    /// Clients and operators that wait to hear who leads in the place of this peer.
    std::vector<InboundCalls> calls{};
    std::vector<InboundRequest> requests{};
    bool looking_for_leader = false;
  };
  /// The order in which a node ends. Each phase waits for the actors of the one before.
  enum class Phase : std::uint8_t { running, ending_peers, ending_network, ending_storage, over };

  // node_actor.cpp: peers and whom to tell of them.
  caf::actor self() { return caf::actor_cast<caf::actor>(this); }
  const std::string& address() const { return hello_.address; }
  void restore(RestoredPeer peer);
  std::string full_name_of(const Hosted& hosted) const;
  Hosted* find(std::string_view peer);
  Hosted* find(PeerId peer);
  void run_peer(Hosted& hosted, Recovered recovered);
  void publish_registry();
  void tell_peers();
  void on_want_link(const WantLink& want);
  void on_drop_link(const DropLink& drop);
  void on_want_registry(const WantRegistry& want);
  void on_node_in_doubt(const NodeInDoubt& doubt);
  void on_node_heard(const NodeHeard& heard);
  void on_inquire(Inquire& inquire);
  void on_peer_stopped(const PeerStopped& stopped);
  void retire(Hosted& hosted);
  void fail(const std::string& why);

  // node_requests.cpp: what operators ask for.
  void on_request(InboundRequest& inbound);
  wire::Response answer(const wire::Request& request);
  wire::Identity identity_of(const Hosted& hosted) const;
  void on_start(const InboundRequest& inbound, const wire::StartPeer& start);
  Result<EngineOptions> check_start(const std::string& peer, const wire::StartPeer& start,
                                    const Hosted* hosted) const;
  Result<EngineOptions> options_with(
      const std::vector<std::pair<std::string, std::string>>& changes) const;
  void on_stop_peer(const InboundRequest& inbound);
  void on_delete_peer(const InboundRequest& inbound);
  void on_deleted(const PeerDeleted& deleted);
  void on_snapshots_removed(const SnapshotsRemoved& removed);
  void on_put(const PeerPut& put);
  void on_put_refused(Hosted& hosted, const storage::StoreError& error);
  void on_recovered(PeerRecovered& recovered);
  void finish_start(Hosted& hosted, PeerRecovered& recovered);
  void end_start(Hosted& hosted, const wire::Response& response);
  void on_store_failed(const StoreFailed& failed);
  void respond_all(std::vector<Asker>& askers, wire::Response response);

  // node_redirects.cpp: in the place of peers that do not run.
  void on_calls(InboundCalls& inbound);
  void look_for_leader(Hosted& hosted);
  void look_again(Hosted& hosted);
  void ask_for_leader(Hosted& hosted);
  void on_inquired(const Inquired& inquired);
  void redirect(Hosted& hosted, const std::string& leader);

  // node_stop.cpp: the way out.
  void stop();
  void on_down(const caf::down_msg& down);
  void enter(Phase phase);
  void on_wake(const Wake& wake);
  void watch(const caf::actor& actor);

  NodeOptions options_;
  FileBudget files_;
  bool links_full_ = false;  ///< And that was logged.
  wire::Hello hello_;
  Listening listening_;
  std::vector<RestoredPeer> restored_;
  caf::actor store_;
  caf::actor snapshots_;
  std::function<void(std::string)> on_failure_;
  std::function<void()> on_stopped_;

  std::map<std::string, Hosted, std::less<>> peers_{};
  SharedRegistry registry_{};
  Gathering news_{};         ///< Of it, for the peers.
  std::uint64_t ended_ = 0;  ///< Peers, since we started.
  caf::actor acceptor_{};
  std::map<std::string, caf::actor> links_{};
  std::map<std::string, std::set<caf::actor>> link_users_{};  ///< Of each link; never empty.
  std::set<caf::actor> peer_actors_{};  ///< Alive, also those that only pass on what reaches them.
  std::set<caf::actor> inquiries_{};    ///< Alive.
  std::set<caf::actor> clients_{};      ///< Of this process, alive.
  /// Whose leader an inquiry is about, by its id.
  std::map<std::uint64_t, std::string> leader_inquiries_{};
  std::uint64_t last_inquiry_ = 0;
  Phase phase_ = Phase::running;
};

}  // namespace troupe::actors
