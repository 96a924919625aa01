#include "test/sim/cluster.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <chrono>

namespace troupe::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// The bytes of all commands of one proposal: well within the smallest limit that a swarm draws.
constexpr std::size_t proposal_bytes_max = 6000;

/// So many reads and proposals there are to one that is of a counter.
constexpr std::uint64_t reads_of_counters = 5;
constexpr std::uint64_t takes_of_tickets = 4;

}  // namespace

void Cluster::on(const ClientWakes& event) {
  if (event.client >= clients_.size() || clients_[event.client].operation != event.operation)
    return;
  Client& client = clients_[event.client];
  // Nobody answered in time: perhaps another peer will.
  if (client.waiting)
    client.seat = client_dice_.below(peers_.size());
  next_operation(event.client);
}

void Cluster::next_operation(std::size_t number) {
  Client& client = clients_[number];
  client.waiting = true;
  ++client.operation;
  const Duration delay = client_dice_.between(microseconds(10), microseconds(500));
  Request request = draw_request(number);
  if (is_whole())
    record_call(request);
  events_.schedule(now_ + delay, RequestArrives{client.seat, std::move(request)});
  events_.schedule(now_ + swarm_.clients.timeout, ClientWakes{number, client.operation});
}

/// The counters have a history of their own.
void Cluster::record_call(const Request& request) {
  const bool reads = request.commands.empty();
  const auto counter = reads ? std::nullopt : counter_of(request.commands.front());
  if (counter)
    tickets_.called(request, *counter);
  else if (!reads || request.key < first_counter_key)
    history_.called(request, now_);
  else if (request.level != ReadLevel::sequential)
    tickets_.called(request, request.key - first_counter_key);
}

void Cluster::record_answer(const Answer& answer) {
  history_.answered(answer, now_);
  if (const auto broken = tickets_.answered(answer))
    fail(*broken);
}

Request Cluster::draw_request(std::size_t number) {
  const Client& client = clients_[number];
  Request request{.client = number,
                  .operation = client.operation,
                  .commands = {},
                  .level = draw_level(),
                  .seen = client.seen};
  bool reads = client_dice_.below(100) < swarm_.clients.read_percent;
  if (healed_)
    reads = client.rewarded > 0 && (client.answered_reads == 0 || reads);
  const std::uint64_t keys = swarm_.engine.cleaning ? swarm_.clients.keys : registers_count;
  const std::uint64_t first_key = swarm_.engine.cleaning ? 'a' : 0;
  request.key = first_key + client.operation % keys;
  if (client.operation % reads_of_counters == 0)
    request.key = first_counter_key + client.operation % counters_count;
  if (reads)
    return request;
  if ((commands_ + 1) % takes_of_tickets == 0) {
    request.commands.push_back("c" + std::to_string(++commands_) + "+");
    return request;
  }
  const std::size_t count = 1 + client_dice_.below(swarm_.clients.batch_max);
  const std::size_t bytes_max =
      std::min(swarm_.clients.payload_bytes_max, proposal_bytes_max / count);
  for (std::size_t i = 0; i < count; ++i) {
    std::string command = "c" + std::to_string(++commands_);
    if (swarm_.engine.cleaning) {
      command += client_dice_.below(100) < swarm_.clients.delete_percent ? '-' : '=';
      command += static_cast<char>('a' + client_dice_.below(swarm_.clients.keys));
    }
    const std::size_t bytes = client_dice_.below(bytes_max);
    if (command.size() < bytes)
      command.resize(bytes, '.');
    request.commands.push_back(std::move(command));
  }
  return request;
}

void Cluster::on(const RequestArrives& event) {
  Peer& peer = peers_[event.seat];
  if (!peer.is_up())
    return;
  tick(peer);
  if (event.request.commands.empty())
    read(peer, event.request);
  else
    propose(peer, event.request);
  stepped(peer);
  after_input(event.seat);
}

void Cluster::propose(Peer& peer, const Request& request) {
  std::vector<Bytes> payloads;
  for (const std::string& command : request.commands) {
    payloads.push_back(Bytes::copy_of(command));
    checker_.proposed(command);
  }
  const auto first = peer.engine->propose(payloads);
  note(20, [&] {
    return "propose " + std::to_string(request.commands.size()) + " from "
           + request.commands.front() + " to " + std::to_string(peer.id.value) + ": "
           + (first ? text(*first) : std::string(name(first.refusal())));
  });
  if (first && peer.view().disk_full)
    return fail("peer " + std::to_string(peer.id.value) + " takes a command on a full disk");
  if (first)
    return peer.proposals.push_back({.first = *first, .request = request});
  if (first.refusal() == Refusal::redirect)
    marks_.hit(Mark::command_redirected);
  if (first.refusal() == Refusal::no_space)
    marks_.hit(Mark::command_found_no_room);
  if (first.refusal() == Refusal::busy)
    marks_.hit(Mark::busy);
  for (const std::string& command : request.commands)
    checker_.denied(command);
  answer(request, Outcome::refused, peer.engine->leader());
}

/// What was taken by the command that was applied last; 0 if it was none for that.
std::uint64_t Cluster::ticket_of(const Peer& peer, const std::string& command) {
  const auto counter = counter_of(command);
  return counter ? peer.state.tickets[*counter] : 0;
}

/// `entry` is committed: those who proposed for its place learn their fate.
void Cluster::settle(Peer& peer, const Entry& entry) {
  for (WaitingProposal& proposal : peer.proposals) {
    const auto& commands = proposal.request.commands;
    if (entry.id.index < proposal.first.index
        || entry.id.index.value >= proposal.first.index.value + commands.size())
      continue;
    const std::string& command = commands[entry.id.index.value - proposal.first.index.value];
    ++proposal.settled;
    if (entry.id.term == proposal.first.term) {
      checker_.acknowledged(command, entry.id);
    } else {
      marks_.hit(Mark::command_replaced);
      checker_.denied(command);
      proposal.all_done = false;
    }
    if (proposal.settled == commands.size())
      answer(proposal.request, proposal.all_done ? Outcome::done : Outcome::refused, peer.id,
             proposal.all_done ? entry.id.index : Index{}, ticket_of(peer, command));
  }
  std::erase_if(peer.proposals, [](const WaitingProposal& proposal) {
    return proposal.settled == proposal.request.commands.size();
  });
}

void Cluster::answer(const Request& request, Outcome outcome, PeerId leader, Index index,
                     std::uint64_t value) {
  const Duration delay = client_dice_.between(microseconds(10), microseconds(500));
  events_.schedule(now_ + delay, AnswerArrives{{.client = request.client,
                                                .operation = request.operation,
                                                .outcome = outcome,
                                                .leader = leader,
                                                .index = index,
                                                .value = value}});
  if (healed_ && outcome == Outcome::done && request.client < clients_.size()
      && clients_[request.client].operation == request.operation) {
    Client& client = clients_[request.client];
    ++(request.commands.empty() ? client.answered_reads : client.rewarded);
  }
}

void Cluster::on(const AnswerArrives& event) {
  const Answer& answer = event.answer;
  if (answer.client >= clients_.size())
    return;
  Client& client = clients_[answer.client];
  if (client.operation != answer.operation || !client.waiting)
    return;
  client.waiting = false;
  if (is_whole())
    record_answer(answer);
  client.seen = std::max(client.seen, answer.index);
  if (answer.outcome != Outcome::done) {
    const auto seat = seat_of(answer.leader);
    client.seat = seat ? *seat : client_dice_.below(peers_.size());
  }
  if (client_dice_.below(100) < swarm_.clients.wander_percent && !healed_)
    client.seat = client_dice_.below(peers_.size());
  ++client.operation;
  const Duration pause = client_dice_.between(milliseconds(1), swarm_.clients.think_max);
  events_.schedule(now_ + pause, ClientWakes{answer.client, client.operation});
}

}  // namespace troupe::sim
