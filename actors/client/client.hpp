#pragma once

#include "core/types.hpp"
#include "wire/packet.hpp"

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace caf {
class actor_system;
}

namespace troupe::actors {

class Node;

struct ClientOptions {
  /// Every promise ends within this, with `timeout` at the latest.
  Duration timeout = std::chrono::seconds(3);
  /// Calls that are not answered yet. Beyond either a call is refused as `busy`.
  std::size_t calls_max = 65536;
  std::size_t bytes_max = std::size_t{64} << 20;
  /// Calls in one frame.
  std::size_t batch_bytes_max = std::size_t{1} << 20;
};

/// A program's way to clusters and nodes, without a peer of its own. Every call ends in a reply or
/// a refusal within its timeout, whatever dies meanwhile. Thread-safe; any number of calls may be
/// in flight, and those that wait travel together.
///
/// A node that has its `connections_max` clients turns this one away. The calls for that node never
/// happened. Those of `request` and `call` end in `busy` at once; the detail is the address and the
/// node's own words, "127.0.0.1:4001: connections_max: 4096". `write` and `read` ask the other
/// peers, and that node again after a pause. The pause doubles from 0.5 s to 8 s. Each time a
/// random part of up to a half is taken off, so that clients do not come back all at once.
class Client {
public:
  /// Brings its own threads.
  explicit Client(ClientOptions options = {});
  /// Lives on the threads of `system`, which was set up with `configure` and outlives the client.
  /// If `system` lacks CAF's module `io`, every call is refused as `invalid`, with the reason.
  explicit Client(caf::actor_system& system, ClientOptions options = {});
  /// Lives in the process of `node`, on its threads. What it has for peers of that node goes there
  /// without a connection; all else is as from afar. It asks that node's peer first: sequential
  /// queries are answered there for as long as it answers any, and writes too while it leads.
  ///
  /// May outlive the node. When that stops, calls in flight end as below, and so do all that
  /// follow.
  explicit Client(const Node& node, ClientOptions options = {});
  /// Calls in flight end in `stopping`; commands that may have happened in `unknown_outcome`.
  ~Client();

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Called on the thread of the client's connections; must not block, throw, or destroy the
  /// client. May call it. Of a client in a node's process that is the thread that the node's peers
  /// share: while the function runs, they stand still.
  using OnReply = std::function<void(wire::CallReply)>;

  // ---- one node, asked once: what an operator's shell needs

  /// Asks the node at `address` ("host:port"); `request.id` is set here. Refusals beside the
  /// node's own: `unreachable` (detail: the address), `timeout`, `too_large` above 1 MiB (detail:
  /// the limit), and `unknown_outcome` if the connection broke after a request left that changes
  /// something.
  std::future<wire::Response> request(std::string address, wire::Request request, Duration timeout);

  /// Asks the peer `peer` of that node, which must lead to take a command; a redirect is an answer.
  /// `unknown_outcome` if the connection broke after a command left; `too_large` if the payload
  /// does not fit a frame (detail: the limit). `level` is a query's.
  std::future<wire::CallReply> call(std::string address, std::string peer, wire::CallKind kind,
                                    Bytes payload, Duration timeout,
                                    ReadLevel level = ReadLevel::linearizable);

  // ---- a cluster, wherever its leader is

  /// The peers to ask, "name@host:port". Redirects may lead to others. A text that is no such name
  /// is logged and left out. If no peer is left, calls are refused as `invalid`, with the text; so
  /// are those that come before this one.
  void use_cluster(std::vector<std::string> peers);

  /// Has the cluster replicate and apply a command (an envelope, `wire::encode_command`; anything
  /// else is refused as `invalid`). Follows redirects. A command that certainly did not happen is
  /// sent again until the timeout. A command that left and was not answered before its connection
  /// or leader was lost ends in `unknown_outcome`, never in a silent retry. Commands of one client
  /// that are in flight together may be applied in any order.
  void write(Bytes envelope, OnReply on_reply);
  std::future<wire::CallReply> write(Bytes envelope);

  /// A query; sent again on any loss, until the timeout.
  ///
  /// A linearizable query, or one by lease, goes to the leader. Sequential ones go to one peer
  /// after the other of those to ask, and leave out for a while those that do not answer. Whatever
  /// this client was answered by the cluster before, to a call of any kind (`call` and other
  /// threads included), the answer to a sequential query is not older; between queries in flight
  /// together there is no order. Once answers of 1024 clusters have been met, older ones are
  /// forgotten.
  ///
  /// A call that could not be sent anywhere until the timeout, or was refused everywhere, ends in
  /// the last such refusal (`unreachable`, `election_in_progress`, `busy`, …). It certainly did
  /// not happen.
  void read(Bytes question, OnReply on_reply, ReadLevel level = ReadLevel::linearizable);
  std::future<wire::CallReply> read(Bytes question, ReadLevel level = ReadLevel::linearizable);

  /// The peer that answered last as leader; empty if none did.
  std::string leader() const;

private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace troupe::actors
