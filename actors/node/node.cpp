#include "actors/node/node.hpp"

#include "actors/disk/snapshot_actor.hpp"
#include "actors/disk/store_actor.hpp"
#include "actors/node/local_node.hpp"
#include "actors/node/node_actor.hpp"
#include "actors/peer/peer_options.hpp"
#include "actors/runtime/address.hpp"
#include "actors/runtime/file_budget.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/resolver.hpp"
#include "actors/runtime/urgent_threads.hpp"
#include "actors/transport/socket.hpp"
#include "machine/kind_problem.hpp"
#include "storage/descriptors.hpp"
#include "storage/lmdb/lmdb_store.hpp"
#include "storage/snapshots/file_snapshots.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::actors {
namespace {

/// A stop goes through three phases, each bounded by `stop_timeout` and a second.
constexpr int stop_phases = 3;
constexpr std::chrono::milliseconds phase_slack{1500};

/// How long actors that have been told to end may take to be gone.
constexpr std::chrono::milliseconds gone_timeout{3000};

/// What the node's actors tell the facade, from their threads.
class Reports {
public:
  void fail(std::string why) {
    const std::lock_guard lock(mutex_);
    if (failure_.empty())
      failure_ = std::move(why);
  }
  std::string failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
  }
  void stopped() { stopped_.set_value(); }
  std::future<void> when_stopped() { return stopped_.get_future(); }

private:
  mutable std::mutex mutex_{};
  std::string failure_{};
  std::promise<void> stopped_{};
};

/// How long the name that a node advertises is looked up. Others may know it where we do not.
constexpr std::chrono::seconds advertise_resolve_timeout{1};

/// What is wrong with listening on `listen`, which stands for `scope`.
std::string problem_with_listening(const NodeOptions& options, Scope scope) {
  const Exposure allowed = options.insecure ? Exposure::anywhere : Exposure::loopback;
  std::string refusal = refusal_to_listen(options.listen, scope, allowed);
  if (refusal.empty() && options.advertise.empty() && !can_be_dialed(scope))
    return "listen: " + options.listen
           + " is no address that other nodes could dial; advertise one that is";
  return refusal;
}

std::string not_to_be_advertised(const std::string& address) {
  return "advertise: " + address + " is no address that other nodes could dial";
}

/// What is wrong with the addresses behind a name that is advertised. One that leads nowhere from
/// here, behind a NAT say, may do so from elsewhere.
std::string problem_with_advertised_name(const std::string& address) {
  const auto parsed = parse_address(address);
  if (!parsed || parse_ip(parsed->host))
    return {};
  const std::atomic<bool> never{false};
  const auto resolved = Resolver::of_system().resolve(
      parsed->host, Resolver::Clock::now() + advertise_resolve_timeout, never);
  const auto* addresses = std::get_if<std::vector<IpAddress>>(&resolved);
  if (addresses == nullptr || std::ranges::any_of(*addresses, [](const IpAddress& each) {
        return can_be_dialed(scope_of(each));
      }))
    return {};
  return not_to_be_advertised(address);
}

std::string problem(const NodeOptions& options) {
  if (!valid_peer_name(options.name))
    return "the name of a node is one to 64 letters, digits, '-' and '_'";
  if (!options.advertise.empty() && !problem_of_address(options.advertise).empty())
    return not_to_be_advertised(options.advertise);
  if (std::string wrong = machine::problem(options.kinds); !wrong.empty())
    return wrong;
  if (options.contacts.size() > contacts_max)
    return "more than " + std::to_string(contacts_max) + " addresses of other nodes";
  for (const std::string& contact : options.contacts)
    if (!problem_of_address(contact).empty())
      return contact + " is no address that this node could dial";
  // What numbers tell is told before anything is created. Names are judged when they are bound.
  const auto listen = parse_address(options.listen);
  if (const auto numbers = listen ? parse_ip(listen->host) : std::nullopt)
    if (std::string wrong = problem_with_listening(options, scope_of(*numbers)); !wrong.empty())
      return wrong;
  EngineOptions engine = options.engine;
  engine.self = {1};  // Any peer: the check wants one.
  const auto checked = with_options(engine, {});
  return checked ? std::string{} : checked.detail();
}

/// What the store holds, or what is wrong with it.
std::variant<std::vector<RestoredPeer>, std::string> restore(storage::Store& store,
                                                             const NodeOptions& options) {
  auto records = store.peers();
  if (const auto* error = std::get_if<storage::StoreError>(&records))
    return error->text;
  std::vector<RestoredPeer> peers;
  for (auto& record : std::get<std::vector<storage::PeerRecord>>(records)) {
    RestoredPeer peer{.record = std::move(record), .recovered = {}};
    if (!options.kinds.contains(peer.record.kind))
      return "peer " + peer.record.name + " is a " + peer.record.kind
             + ", a kind that this program does not know";
    if (peer.record.running || peer.record.name == options.held_peer) {
      auto recovered = store.recover(peer.record.id);
      if (const auto* error = std::get_if<storage::StoreError>(&recovered))
        return error->text;
      peer.recovered = std::get<Recovered>(std::move(recovered));
    }
    peers.push_back(std::move(peer));
  }
  return peers;
}

/// Listens where `options` say, if the address that comes of it is one to listen on.
std::variant<Listening, std::string> listen_as_told(const NodeOptions& options) {
  const Exposure allowed = options.insecure ? Exposure::anywhere : Exposure::loopback;
  auto listening = listen_on(options.listen, allowed);
  const auto* bound = std::get_if<Listening>(&listening);
  if (bound == nullptr)
    return listening;
  if (std::string wrong = problem_with_listening(options, bound->scope); !wrong.empty())
    return wrong;
  if (std::string wrong = problem_with_advertised_name(options.advertise); !wrong.empty())
    return wrong;
  if (bound->scope != Scope::loopback)
    log(LogLevel::warning, "insecure",
        {{"listen", bound->address},
         {"why", "anyone who reaches it can read, change and stop everything"}});
  return listening;
}

/// A node that dies while it deletes a peer leaves its snapshots.
void remove_left_over(storage::Snapshots& snapshots, const std::vector<RestoredPeer>& peers) {
  std::set<PeerId> present;
  for (const RestoredPeer& peer : peers)
    present.insert(peer.record.id);
  snapshots.remove_all_but(present);
}

/// Threads and what they run.
struct Machinery {
  caf::actor_system_config config{};
  std::optional<caf::actor_system> system{};
};

/// Waits for the last actors, which are on their way out: CAF would wait for them without a bound.
/// One that does not end (its disk does not answer) must not keep the process from ending: its
/// threads are left to themselves.
void end(std::unique_ptr<Machinery> machinery, bool stopped, const std::string& node) {
  const auto& actors = machinery->system->registry();
  const auto deadline = std::chrono::steady_clock::now() + gone_timeout;
  while (stopped && actors.running() > 0) {
    stopped = std::chrono::steady_clock::now() < deadline;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (stopped)
    return;
  log(LogLevel::error, "stopped_by_force", {{"node", node}, {"actors", actors.running()}});
  (void)machinery.release();
}

Result<std::unique_ptr<Node>> as_result(std::variant<std::unique_ptr<Node>, std::string> outcome) {
  if (auto* wrong = std::get_if<std::string>(&outcome))
    return {Refusal::invalid, std::move(*wrong)};
  return std::get<std::unique_ptr<Node>>(std::move(outcome));
}

}  // namespace

struct Node::Parts {
  std::string address{};
  std::string listening{};
  std::chrono::milliseconds stop_timeout{};
  std::shared_ptr<Reports> reports = std::make_shared<Reports>();
  std::future<void> stopped{};
  std::unique_ptr<Machinery> own{};     ///< Null where the system is the program's.
  caf::actor_system* system = nullptr;  ///< Null once stopped.
  caf::actor node{};
};

Result<std::unique_ptr<Node>> Node::start(NodeOptions options) {
  return as_result(try_to_start(nullptr, std::move(options)));
}

Result<std::unique_ptr<Node>> Node::start(caf::actor_system& system, NodeOptions options) {
  if (!system.has_middleman())
    return {Refusal::invalid,
            "the node's actor system has no module caf::io::middleman: call "
            "troupe::actors::configure on its configuration first"};
  return as_result(try_to_start(&system, std::move(options)));
}

/// In `system`, or in one of its own.
std::variant<std::unique_ptr<Node>, std::string> Node::try_to_start(caf::actor_system* system,
                                                                    NodeOptions options) {
  if (std::string wrong = problem(options); !wrong.empty())
    return wrong;
  storage::open_standard_descriptors();
  const auto files = share_out_files(raise_file_limit(), options.connections_max);
  if (const auto* few = std::get_if<std::string>(&files))
    return *few;
  // Before there are threads of ours: opening may fork a child that checks the file.
  auto opened = options.open_store ? options.open_store()
                                   : storage::open_lmdb_store({.directory = options.directory});
  if (const auto* error = std::get_if<storage::StoreError>(&opened))
    return error->text;
  auto store = std::get<std::unique_ptr<storage::Store>>(std::move(opened));
  // Behind the store, which has locked the directory.
  auto shelf = storage::open_snapshots(options.directory);
  if (const auto* error = std::get_if<storage::StoreError>(&shelf))
    return error->text;
  auto snapshots = std::get<std::unique_ptr<storage::Snapshots>>(std::move(shelf));
  auto peers = restore(*store, options);
  if (auto* wrong = std::get_if<std::string>(&peers))
    return std::move(*wrong);
  remove_left_over(*snapshots, std::get<std::vector<RestoredPeer>>(peers));
  auto listening = listen_as_told(options);
  if (auto* wrong = std::get_if<std::string>(&listening))
    return std::move(*wrong);

  auto parts = std::make_unique<Parts>();
  parts->stop_timeout = options.stop_timeout;
  parts->stopped = parts->reports->when_stopped();
  const UrgentThreads all_that_start_here;
  if (system == nullptr) {
    parts->own = std::make_unique<Machinery>();
    configure(parts->own->config);
    system = &parts->own->system.emplace(parts->own->config);
  }
  parts->system = system;

  NodeParts node;
  node.options = std::move(options);
  node.files = std::get<FileBudget>(files);
  node.listening = std::get<Listening>(std::move(listening));
  parts->listening = node.listening.address;
  if (node.options.advertise.empty())
    node.options.advertise = parts->listening;
  parts->address = node.options.advertise;
  node.peers = std::get<std::vector<RestoredPeer>>(std::move(peers));
  node.store = system->spawn<StoreActor, caf::detached>(std::move(store));
  node.snapshots = system->spawn<SnapshotActor, caf::detached>(std::move(snapshots));
  node.on_failure = [reports = parts->reports](std::string why) { reports->fail(std::move(why)); };
  node.on_stopped = [reports = parts->reports] { reports->stopped(); };
  parts->node = system->spawn<NodeActor>(std::move(node));
  return std::unique_ptr<Node>(new Node(std::move(parts)));
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Node::~Node() {
  stop();
}

const std::string& Node::address() const {
  return parts_->address;
}

const std::string& Node::listening() const {
  return parts_->listening;
}

LocalNode Node::local() const {
  if (parts_->system == nullptr)
    return {};
  return {.system = parts_->system, .actor = parts_->node, .address = address()};
}

std::string Node::failure() const {
  return parts_->reports->failure();
}

void Node::stop() {
  if (parts_->system == nullptr)
    return;
  send_from_outside(parts_->node, Stop{});
  parts_->node = nullptr;
  const bool stopped = parts_->stopped.wait_for(stop_phases * (parts_->stop_timeout + phase_slack))
                       == std::future_status::ready;
  parts_->system = nullptr;
  if (parts_->own)
    end(std::move(parts_->own), stopped, parts_->address);
  else if (!stopped)
    log(LogLevel::error, "stopped_by_force", {{"node", parts_->address}});
}

}  // namespace troupe::actors
