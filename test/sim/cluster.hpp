#pragma once

#include "core/configuration.hpp"
#include "test/sim/checker.hpp"
#include "test/sim/dice.hpp"
#include "test/sim/events.hpp"
#include "test/sim/history.hpp"
#include "test/sim/marks.hpp"
#include "test/sim/network.hpp"
#include "test/sim/peer.hpp"
#include "test/sim/swarm.hpp"
#include "test/sim/tickets.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::sim {

/// A whole cluster with its network, disks, clocks, clients and misfortunes, in one thread and in
/// virtual time. Everything follows from the swarm's seed: the same seed is the same run.
class Cluster {
public:
  /// Writes each event to `trace`, unless it is null.
  explicit Cluster(const Swarm& swarm, std::ostream* trace = nullptr);

  /// Chaos, then healing, then the proof that the cluster works again. Once.
  void run();

  const std::optional<std::string>& violation() const { return violation_; }
  const Marks& marks() const { return marks_; }
  /// Of everything that happened.
  std::uint64_t digest() const { return digest_; }
  std::uint64_t events() const { return events_.scheduled(); }
  Time now() const { return now_; }

private:
  struct Client {
    std::uint64_t operation = 0;  ///< The one it is at; counts up.
    bool waiting = false;
    Seat seat = 0;          ///< The one to ask next.
    Index seen{};           ///< The newest index that an answer named.
    unsigned rewarded = 0;  ///< Operations done since the cluster was healed.
    unsigned answered_reads = 0;
  };
  struct Fault {
    std::vector<Link> cut{};
    std::vector<Link> clogged{};
    std::vector<std::pair<Link, Duration>> slowed{};
  };
  /// The process around a peer, as far as the other nodes are concerned.
  struct Node {
    std::uint64_t life = 0;              ///< Counts the peers that ended here.
    bool outlives = false;               ///< It is alive though its peer is not.
    std::vector<unsigned> missed{};      ///< Of each other node, the beats since it was heard...
    std::vector<std::uint64_t> lives{};  ///< ...and its `life` by then.
  };
  struct Choice {
    unsigned weight = 0;
    void (Cluster::*strike)() = nullptr;
  };

  bool is_whole() const { return swarm_.extent == Extent::whole; }
  /// Nothing more can be judged.
  bool is_over() const { return violation_ || checker_.is_void(); }

  // cluster.cpp: the loop and the phases.
  void run_until(Time end, const std::function<bool()>& done);
  void handle(Event& event);
  void heal();
  bool has_recovered() const;
  bool has_converged() const;
  void converge();
  void check_recovered();
  void fail(const std::string& what);
  void on(const AdminWakes&);
  std::optional<Seat> seat_of(PeerId id) const;

  // cluster_peers.cpp: what a process does around its engine.
  void on(const PeerStarts& event);
  void on(const PeerResumes& event);
  void on(MessageArrives& event);
  void on(const ConnectionBreaks& event);
  void on(const TransferAsked& event);
  void on(const TransferJudged& event);
  void on(const ChangeAsked& event);
  void on(const WriteNoticed& event);
  void on(const TimerFires& event);
  void on(const OutputDue& event);
  void on(const WriteFinishes& event);
  void step(Seat seat, const Input& input);
  void tick(Peer& peer, Duration unread = {});
  Duration draw_unread();
  void stepped(Peer& peer);
  void after_input(Seat seat);
  void perform_output(Seat seat);
  bool perform(Seat seat, Output& output);
  bool parts_performed(Seat seat, Output& output, std::size_t parts_max);
  void write(Seat seat, Write write);
  void work_on(Seat seat);
  void send(Seat seat, Message&& message);
  void apply(Peer& peer, const Entry& entry);
  void role_changed(Peer& peer);
  void arm_timer(Seat seat);
  void crash(Seat seat, Duration away);
  void pause(Seat seat, Duration length);

  // cluster_snapshots.cpp
  void on(const SnapshotSaved& event);
  void on(const ChunkRead& event);
  void on(const ChunkWritten& event);
  void on(const SnapshotChecked& event);
  void on(const InstallFailed& event);
  Time snapshots_done(Peer& peer);
  void take_snapshot(Seat seat, const SnapshotPlace& place);
  void install(Peer& peer, const SnapshotHead& head);
  void settle_unseen(Peer& peer, Index covered);
  void send_chunks(Seat seat, std::vector<ChunkToSend> chunks);
  void store_chunks(Seat seat, std::vector<ChunkToStore> chunks);
  void check_snapshot(Seat seat, const SnapshotHead& head);
  bool is_whole(const Peer& peer) const;
  void strike_damage();
  void strike_snapshot();

  // cluster_quiet.cpp
  bool has_quiet() const { return swarm_.engine.quiet_after > Duration::zero(); }
  void start_watching();
  std::uint64_t life_of(Seat seat) const { return has_quiet() ? nodes_[seat].life : 0; }
  void on(const NodeBeats& event);
  void on(const BeatArrives& event);
  void hear_node(Seat seat, Seat from, std::uint64_t life);
  void doubt(Seat seat, Seat other);
  void end_life(Seat seat);
  void check_quiet(const Peer& peer, const EngineView& now);
  bool is_quiet() const;
  void prove_quiet();

  // cluster_cleaning.cpp
  void on(const ReleasesReported& event);
  void report_released(Seat seat);
  void mark_cleaning(const Peer& peer, const Write& write);
  void mark_cleaning(const Message& message);

  // cluster_changes.cpp
  Configuration draw_target();
  void judge_change(Peer& peer, const EngineView& now);
  void ask_elected(const Peer& peer);
  std::vector<Seat> final_members() const;
  VoterPolicy draw_policy(std::uint32_t count);
  Configuration draw_policed(Seat leader);
  void on(const BurialPlanned&);
  bool has_substitute() const;
  void bury_a_voter();

  // cluster_rebuilds.cpp
  void on(const RebuildDue& event);
  void on(const ReplacementAsked& event);
  void strike_rot();
  bool refuses_to_open(Seat seat);

  // cluster_set_back.cpp
  void strike_set_back();
  void on(const SetBackDue&);
  void on(const SetBackLooked&);
  void tell_set_back(const Peer& peer, const std::vector<SetBack>& found);

  // cluster_clients.cpp
  void on(const RequestArrives& event);
  void on(const AnswerArrives& event);
  void on(const ClientWakes& event);
  void next_operation(std::size_t client);
  Request draw_request(std::size_t client);
  void record_call(const Request& request);
  void record_answer(const Answer& answer);
  std::uint64_t ticket_of(const Peer& peer, const std::string& command);
  void propose(Peer& peer, const Request& request);
  void settle(Peer& peer, const Entry& entry);
  void answer(const Request& request, Outcome outcome, PeerId leader, Index index = {},
              std::uint64_t value = 0);
  void think(std::size_t client);

  // cluster_reads.cpp
  ReadLevel draw_level();
  void read(Peer& peer, const Request& request);
  void read_sequentially(Peer& peer, const Request& request);
  void answer_reads(Peer& peer, const ReadReady& ready);
  std::uint64_t value_for(const Peer& peer, const Request& request);
  void answer_sequential_reads(Peer& peer);
  void lose_reads(Peer& peer);
  void check_leases(const Peer& elected);
  void watch_promises(Seat seat, const Message& message);
  bool is_bound_from_before(const Peer& peer, const Message& message) const;

  // cluster_faults.cpp
  void on(const FaultStrikes&);
  void on(const FaultEnds& event);
  void on(const RoomIsMade& event);
  void on(const DiskSpoke& event);
  void on(const DeposalGoesOn& event);
  void strike_crash();
  void strike_crash_leader();
  void strike_power_cut();
  void strike_pause();
  void strike_isolate();
  void strike_isolate_leader();
  void strike_split();
  void strike_one_way();
  void strike_bridge();
  void strike_clog();
  void strike_transfer();
  void strike_clock_rate();
  void strike_forget();
  void strike_change();
  void strike_full();
  void fill(Seat seat);
  void make_room(Seat seat);
  void spare_full_followers(Seat leader);
  void replace_full_leader(Seat leader);
  void prove_room();
  void strike_slow();
  void strike_depose();
  void strike_clock_jump();
  std::vector<Choice> choices() const;
  std::optional<Seat> leader_seat() const;
  void isolate(Seat seat);
  void begin(Fault fault);
  void end(Fault& fault);
  Duration fault_length();

  /// Adds to the digest, and to the trace if there is one. `words` makes the line.
  template <class Words>
  void note(std::uint64_t what, Words words) {
    digest_ = mix(mix(digest_, static_cast<std::uint64_t>(now_.count())), what);
    if (trace_ != nullptr)
      *trace_ << now_.count() << "us " << words() << '\n';
  }

  Swarm swarm_;
  std::ostream* trace_;
  Marks marks_{};
  Checker checker_{marks_};
  History history_{};
  Tickets tickets_{};
  std::map<std::uint64_t, std::uint64_t> told_{};  ///< Of each key, what a client was told last.
  Events events_{};
  Time now_{};
  std::uint64_t digest_ = empty_digest;
  std::optional<std::string> violation_{};
  bool healed_ = false;

  Configuration configuration_{};
  ClusterId cluster_{};
  Network network_;
  std::vector<Peer> peers_{};
  std::vector<Node> nodes_{};  ///< Empty where nobody is ever quiet.
  std::vector<Client> clients_{};
  std::vector<Fault> faults_{};
  std::uint64_t commands_ = 0;  ///< Numbers the commands of all clients.

  Term transfer_term_{};  ///< In which a leader last told another peer to campaign...
  std::optional<Configuration> policed_{};  ///< What a policy was last asked for with.
  std::optional<Seat> buried_{};            ///< Never starts again.

  PeerId transfer_to_{};  ///< ...and whom.

  std::optional<PeerId> given_up_{};  ///< Its store does not open; another is to take its place.
  std::set<PeerId> gone_{};           ///< Peers that were replaced so.

  /// Of a disk that is to be set back, or was; nothing once its peer is given up.
  struct Copy {
    Seat seat = 0;
    PeerId peer{};
    Recovered disk{};
    Snapshots snapshots{};
    bool restored = false;
  };
  std::optional<Copy> copy_{};

  Term leaving_disk_term_{};  ///< In which a leader last handed over for its disk.

  std::set<Index> tombstones_{};  ///< That were committed.

  Dice cleaning_dice_;
  Dice quiet_dice_;
  Dice peer_dice_;
  Dice client_dice_;
  Dice fault_dice_;
  Dice read_dice_;
  Dice snapshot_dice_;
  Dice unread_dice_;

  /// The peers to which a snapshot came damaged, and its hash.
  std::set<std::pair<PeerId, std::uint64_t>> arrived_corrupt_{};
};

/// What became of a run.
struct Verdict {
  std::optional<std::string> violation{};
  Marks marks{};
  std::uint64_t digest = 0;
  std::uint64_t events = 0;
  Time simulated{};
};
Verdict run_swarm(const Swarm& swarm, std::ostream* trace = nullptr);
Verdict run_seed(std::uint64_t seed, Extent extent = Extent::whole, std::ostream* trace = nullptr);

}  // namespace troupe::sim
