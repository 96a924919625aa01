#pragma once

#include "actors/disk/messages.hpp"
#include "actors/machine/messages.hpp"
#include "actors/peer/held_reads.hpp"
#include "actors/peer/lost_disks.hpp"
#include "actors/peer/messages.hpp"
#include "actors/peer/newcomers.hpp"
#include "actors/peer/news.hpp"
#include "actors/peer/peer_log.hpp"
#include "actors/peer/peer_options.hpp"
#include "actors/peer/peer_routes.hpp"
#include "actors/peer/peer_waiters.hpp"
#include "actors/runtime/io_actor.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/recent_max.hpp"
#include "actors/transport/messages.hpp"
#include "core/engine.hpp"
#include "machine/kind.hpp"
#include "storage/store.hpp"
#include "wire/command.hpp"

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::actors {

/// What a peer is made of.
struct PeerParts {
  storage::PeerRecord record{};
  std::string address{};                ///< That its node advertises.
  std::uint64_t node_incarnation = 0;   ///< As in `wire::Identity`.
  std::vector<std::string> contacts{};  ///< As in `NodeOptions`.
  machine::Kind kind{};
  EngineOptions options{};  ///< With `self` and `seed`.
  Recovered recovered{};
  SharedRegistry registry{};
  caf::actor node{};   ///< Gets `WantLink`, `Inquire`, `PeerStopped`, and what comes after the end.
  caf::actor store{};  ///< Gets `StoreWrite`.
  caf::actor snapshots{};
  std::chrono::milliseconds stop_timeout{1000};
  OnNews on_news{};
};

/// The shell around one engine: gives it what comes in and does what it asks for.
///
/// Works in *turns*. Each message is stepped as it comes; the turn ends with a message that the
/// actor sent to itself when the turn began, behind all that was in the mailbox by then. So what
/// arrived together becomes one write, one message a follower and one reply frame a client. It ends
/// sooner where commands are many: followers and disks work on the first while the rest is
/// proposed.
class PeerActor : public IoActor {
public:
  PeerActor(caf::actor_config& config, PeerParts parts);

  caf::behavior make_behavior() override;
  const char* name() const override { return "peer"; }
  void on_exit() override;

private:
  /// A `set_configuration` that is not answered yet.
  struct ConfigurationChange {
    caf::actor connection{};
    std::uint64_t request = 0;
    Plan plan{};
    std::uint64_t inquiry = 0;          ///< Answers to older ones are late.
    std::vector<FullName> questions{};  ///< Of that, in their order.
    Time deadline = never;
    bool founds = true;                 ///< A cluster; else it changes ours.
    std::optional<Term> proposed_in{};  ///< Once it is.
  };
  /// A `transfer` that is not answered yet.
  struct Handover {
    caf::actor connection{};
    std::uint64_t request = 0;
    Time deadline = never;
  };
  /// A `snapshot` that is not answered yet.
  struct SnapshotAsker {
    caf::actor connection{};
    std::uint64_t request = 0;
    Index at_least{};
  };
  struct Stopping {
    Time deadline = never;
    /// Until the others can go on without us (`Engine::should_stay`), or then at the latest, we
    /// serve as ever. Nothing once that is over.
    std::optional<Time> stays_until{};
    bool handing_over = false;   ///< Another voter was asked to lead, and is not known to.
    Time heir_deadline = never;  ///< Once we do not lead any more: until then it should be.
    /// Once it is: until then we follow it, and tell those whose calls were on their way.
    std::optional<Time> redirects_until{};
  };

  // peer_actor.cpp: turns, and what an engine asks for.
  caf::actor self() { return caf::actor_cast<caf::actor>(this); }
  Time now() const;
  void begin_turn();
  void tick();
  void end_turn();
  void arm_timer();
  void on_wake(const Wake& wake);
  void perform(Output out);
  void send_messages(std::vector<Message> messages);
  void dispatch(std::vector<Entry> committed);
  void answer_reads(const std::vector<ReadReady>& ready);
  void answer_held_reads();
  void ask_resource(Ask ask);
  void follow_configuration(const Output& out);
  void on_role_changed();
  void tell_set_back(const SetBack& found) const;
  void log_handover(PeerId to, std::string_view why) const;
  PeerLog::Delays delays();

  // peer_network.cpp: what comes from other peers and the disk.
  void on_messages(InboundMessages& inbound);
  void read_before_judging();
  void on_input_read();
  void on_registry(const SharedRegistry& registry);
  void on_link_up(const LinkUp& link);
  void on_link_down(const LinkDown& link);
  void on_node_in_doubt(const NodeInDoubt& doubt);
  void want_links(const std::vector<std::string>& addresses);
  void drop_links();
  bool seeks_members() const;
  void seek_members();
  void on_members_found(const std::vector<wire::Response>& responses);
  void lose_sight_of(const std::vector<PeerId>& peers);
  void on_written(const StoreWritten& written);
  void on_store_failed(const StoreFailed& failed);
  void on_store_full(const StoreFull& news);

  // peer_lost_disks.cpp: members in whose place another peer runs.
  void seek_lost_disks(const EngineView& view);
  void on_members_identified(const std::vector<wire::Response>& responses);
  void tell_disk_lost(const LostDisks::Finding& finding) const;
  void on_expected(PeerId expected);

  // peer_calls.cpp: what clients and operators ask for.
  void on_calls(InboundCalls& inbound);
  bool hands_over() const;
  void answer_waiting_calls();
  void on_commands(InboundCalls& inbound);
  std::string why_invalid(const std::optional<wire::CommandView>& command) const;
  void propose(const InboundCalls& inbound, const std::vector<Bytes>& payloads,
               std::vector<std::uint64_t> ids);
  void on_queries(InboundCalls& inbound);
  bool may_start_reads() const;
  void start_reads();
  void start_reads(ReadLevel level);
  void on_sequential_queries(InboundCalls& inbound);
  void refuse_late_reads();
  void on_applied(Applied& applied);
  void on_request(const InboundRequest& inbound);
  wire::Response answer(const wire::Request& request);
  wire::Identity identity() const;
  std::uint64_t lease_ms() const;
  wire::PeerStatus status() const;
  std::string leader_name() const;
  std::string leader_elsewhere() const;

  // peer_configuration.cpp: who is in the cluster.
  void set_configuration(const caf::actor& connection, const wire::Request& request,
                         const wire::SetConfiguration& wanted);
  std::optional<wire::Response> refusal_to_configure(std::uint64_t request,
                                                     const std::vector<NamedMember>& members);
  void on_inquired(const Inquired& inquired);
  Plan plan_of(const wire::SetConfiguration& wanted, Configuration target,
               const std::vector<NamedMember>& members) const;
  void ask_members();
  void on_identities(const std::vector<wire::Response>& responses);
  void propose_configuration(const Identities& identities);
  void warn_of_shared_nodes(const Configuration& configuration) const;
  void end_change(wire::Response response);
  void end_change_if_done();
  void transfer_leadership(const caf::actor& connection, const wire::Request& request,
                           const wire::TransferLeadership& wanted);
  void end_handover_if_done();
  void end_change_if_late();

  // peer_snapshots.cpp: what takes the place of the beginning of the log (§5.1).
  void install(SnapshotHead head);
  void on_loaded(const Loaded& loaded);
  void lose_state();
  void start_snapshot(SnapshotPlace place);
  void on_snapshot_saved(const SnapshotSaved& saved);
  void follow_snapshot(const Write& write);
  void count_snapshots(WriteId written);
  void read_chunks(std::vector<ChunkToSend> chunks);
  void on_chunk_read(ChunkRead& read);
  void on_checked(const Checked& checked);
  void lose_snapshot(const SnapshotHead& head, const storage::StoreError& error);
  void write_chunks(std::vector<ChunkToStore> chunks);
  void on_chunk_written(const ChunkWritten& written);
  void take_snapshot(const caf::actor& connection, const wire::Request& request);
  void end_snapshot(wire::Response response);
  void add_snapshots(const EngineView& view, wire::PeerStatus& status) const;

  // peer_stop.cpp: the way out.
  void stop();
  void begin_handover();
  void continue_stop();
  void end_handover();
  bool is_draining() const;
  bool has_handed_over() const;
  bool is_drained() const;
  void finish(std::string failure);
  caf::behavior forwarding();

  storage::PeerRecord record_;
  machine::Kind kind_;
  std::size_t entry_bytes_max_;
  Duration catch_up_timeout_;
  Duration stickiness_;  ///< The shortest election timeout.
  std::chrono::milliseconds stop_timeout_;
  std::uint64_t node_incarnation_;
  caf::actor node_;
  caf::actor store_;
  caf::actor snapshots_;
  caf::actor resource_{};

  std::optional<SnapshotHead> snapshot_;  ///< The one that counts, durably.
  caf::actor_clock::time_point started_at_;
  Engine engine_;
  Routes routes_;
  CommandWaiters commands_{};
  ReadWaiters reads_{};
  std::vector<InboundCalls> queries_{};  ///< For the next read. Their tickets bound them.
  HeldReads held_{};
  std::optional<ConfigurationChange> change_{};
  std::optional<Handover> handover_{};
  std::uint64_t last_inquiry_ = 0;
  std::vector<std::string> contacts_;
  /// A search for known members at these, while it is under way.
  struct Search {
    std::uint64_t inquiry = 0;
    std::vector<std::pair<PeerId, std::string>> places{};  ///< Asked for, and where.
  };
  std::optional<Search> search_{};
  Time search_at_{};  ///< The next one, while there is no leader.
  LostDisks lost_disks_{};
  /// A question of its about members, while it is under way.
  struct DiskSearch {
    std::uint64_t inquiry = 0;
    std::vector<PeerId> members{};
  };
  std::optional<DiskSearch> disk_search_{};
  ToldIds expected_{};  ///< Ids of members that we are not, though we have their name.
  std::optional<Stopping> stopping_{};
  bool ended_ = false;
  std::vector<InboundCalls>
      waiting_calls_{};  ///< To hear who leads next. Their tickets bound them.

  Term led_term_{};  ///< The term that we lead, as of the last turn; 0 if we do not.
  Time links_looked_at_{};
  bool turn_open_ = false;
  Time turn_began_{};
  RecentMax turns_{};                     ///< How long they took.
  Time input_read_upto_{};                ///< All that arrived by then has been stepped.
  std::optional<Time> reading_since_{};   ///< To judge who is silent.
  std::vector<Message> vote_requests_{};  ///< That wait for that.
  OnNews on_news_;
  PeerLog log_;
  std::size_t turn_commands_ = 0;  ///< Proposed in this turn.
  std::optional<Time> armed_{};    ///< When the timer that counts will fire.
  std::uint64_t epoch_ = 0;        ///< Of that timer.
  WriteId write_sent_{};
  WriteId written_{};
  std::list<std::pair<WriteId, Time>> writes_{};  ///< Under way, and since when.
  RecentMax flushes_{};                           ///< How long writes took.
  std::uint64_t store_bytes_ = 0;
  /// Snapshots that are to count, each with the write that makes it.
  std::list<std::pair<WriteId, SnapshotHead>> counting_{};
  std::optional<SnapshotAsker> snapshot_asker_{};
  int taken_percent_ = 0;                  ///< Of the one that is being taken.
  std::optional<SnapshotHead> loading_{};  ///< By the resource.
  bool state_lost_ = false;                ///< It could not.
  std::string chunk_failure_{};            ///< Of the last chunk that we were to store.
  Index dispatched_{};                     ///< The resource was sent the log up to here...
  Index applied_{};                        ///< ...and said that it has applied it up to here.
};

}  // namespace troupe::actors
