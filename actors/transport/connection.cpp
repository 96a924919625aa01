#include "actors/transport/connection.hpp"

#include "actors/runtime/address.hpp"
#include "actors/runtime/logger.hpp"
#include "actors/runtime/messages.hpp"
#include "actors/runtime/replies.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

namespace troupe::actors {

namespace {

/// The other side had its time for a hello.
struct HelloDeadline {};
/// The frame that was incomplete when so many were complete had its time.
struct FrameDeadline {
  std::uint64_t frames = 0;
};
/// Behind all frames that were sent before the exit, which itself overtakes them.
struct Drain {};
/// The other side had its time to take what we wrote.
struct DrainDeadline {};

/// Per read. CAF clears the buffer before each, and keeps it: a connection that says little must
/// not cost as much as one that says a lot. A read that is filled makes the next ones larger.
constexpr std::size_t read_bytes_min = std::size_t{2} << 10;
constexpr std::size_t read_bytes_max = std::size_t{64} << 10;
constexpr std::size_t read_growth = 8;
/// So many reads in a row that fit a smaller buffer make it smaller.
constexpr unsigned small_reads_max = 16;

/// A name, an address, and what is around them. Larger frames are for those who said who they are.
constexpr std::size_t hello_bytes_max = 1024;
static_assert(hello_bytes_max > 2 * wire::name_bytes_max + 256);

/// Every frame is a multiple of it, the head included.
constexpr std::size_t frame_alignment = 8;

/// A frame is taken to cost this at least, however small it is: a message, a ticket, a record of
/// who waits.
constexpr std::size_t frame_cost_bytes_min = 256;

/// A call costs this beside its payload, which may be empty: its record, unpacked.
constexpr std::size_t call_cost_bytes = 64;

/// What CAF holds of frames that the socket has not taken, but for one that is larger.
constexpr std::size_t given_bytes_max = std::size_t{256} << 10;

/// How often, and after what time each, reading is resumed once more; see `read_on`.
constexpr unsigned read_on_again_max = 5;
constexpr std::chrono::milliseconds read_on_pause{20};

BacklogLimits backlog_limits(const ConnectionLimits& limits) {
  return {.calls_max = limits.unanswered_max,
          .bytes_max = limits.unanswered_bytes_max,
          .frames_max = limits.unanswered_frames_max,
          .requests_max = limits.unanswered_requests_max,
          .query_answer_bytes_max = limits.query_answer_bytes_max,
          .answer_bytes_max = limits.answer_bytes_max};
}

}  // namespace

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::HelloDeadline)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::FrameDeadline)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Drain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::DrainDeadline)

namespace troupe::actors {

Connection::Connection(caf::actor_config& config, ConnectionOptions options, SharedSocket socket)
    : Broker(config),
      options_(std::move(options)),
      socket_(std::move(socket)),
      backlog_(backlog_limits(options_.limits), options_.node_backlog) {}

caf::behavior Connection::make_behavior() {
  outlive_errors(this);
  if (socket_)
    handle_ = add_scribe(socket_->release());
  socket_.reset();
  cutter_ = wire::FrameCutter(hello_bytes_max);
  set_connection_options(fd());
  read_bytes_ = read_bytes_min;
  configure_read(handle_, caf::io::receive_policy::at_most(read_bytes_));
  ack_writes(handle_, true);
  backlog_.when_room([us = caf::actor_cast<caf::weak_actor_ptr>(this)] {
    if (const auto connection = caf::actor_cast<caf::actor>(us))
      send_from_outside(connection, RoomAgain{});
  });
  // An exit is urgent in CAF's mailbox and would overtake the frames that were sent before it.
  set_exit_handler([this](caf::exit_msg&) { actors::send(this, this, Drain{}); });
  enter();
  send_after(this, options_.limits.hello_timeout, this, HelloDeadline{});
  return {
      [this](caf::io::new_data_msg& arrived) {
        const std::size_t before = read_bytes_;
        follow_read_size(arrived.buf.size());
        on_data(arrived);
        // CAF would keep the memory of its largest read for as long as the connection lasts.
        if (read_bytes_ < before)
          arrived.buf = {};
      },
      [this](const caf::io::data_transferred_msg& transferred) { on_transferred(transferred); },
      [this](const caf::io::connection_closed_msg&) {
        // The socket may still wait to write to someone who only closed his half.
        shut_down(fd());
        quit();
      },
      [this](const wire::Frame& frame) { on_frame(frame); },
      [this](wire::CallReplies& replies) { on_frame(wire::encode(std::move(replies))); },
      [this](wire::Response& response) { on_response(response); },
      [this](const Flush&) { write_waiting(); },
      [this](const SharedRegistry& registry) {
        options_.registry = registry;
        if (beats() && state_ == State::open && is_ended_news())
          write_beat();
      },
      [this](const Beat&) { on_beat(); },
      [this](const HelloDeadline&) {
        if (state_ == State::expecting_hello)
          refuse("no hello in time");
      },
      [this](const FrameDeadline& deadline) { on_frame_deadline(deadline.frames); },
      [this](const RoomAgain&) { on_room_again(); },
      [this](const ReadOn&) { read_on(); },
      [this](const HalfFrameTooMuch&) {
        if (cutter_.held_bytes() > wire::FrameCutter::kept_bytes_max)
          refuse("half a frame, while others need the room");
      },
      [this](const GiveWay& way) {
        log(LogLevel::debug, "connection_gives_way", {{"with", who()}, {"why", way.why}});
        close_at_once();
      },
      [this](const Drain&) { on_drain(); },
      [this](const DrainDeadline&) { close_at_once(); },
  };
}

void Connection::on_exit() {
  cutter_ = wire::FrameCutter();
  count_half_frame();
  options_.half_frames.reset();
  options_.slots.reset();
  if (watches())
    doubt();
  options_.owner = {};
  options_.opener = {};
  options_.registry.reset();
  waiting_.clear();
  bodies_.clear();
  bodies_routed_ = 0;
  backlog_.end();
}

void Connection::follow_read_size(std::size_t arrived_bytes) {
  const bool small = read_bytes_ > read_bytes_min && arrived_bytes <= read_bytes_ / read_growth;
  small_reads_ = small ? small_reads_ + 1 : 0;
  if (arrived_bytes == read_bytes_ && read_bytes_ < read_bytes_max)
    read_bytes_ = std::min(read_bytes_ * read_growth, read_bytes_max);
  else if (small_reads_ == small_reads_max)
    read_bytes_ = std::max(read_bytes_ / read_growth, read_bytes_min);
  else
    return;
  small_reads_ = 0;
  configure_read(handle_, caf::io::receive_policy::at_most(read_bytes_));
}

void Connection::on_data(caf::io::new_data_msg& arrived) {
  if (state_ == State::draining)
    return;
  heard_ = true;
  if (used_ && state_ == State::open)
    used_->store(true, std::memory_order_relaxed);
  std::span<const char> rest = arrived.buf;
  while (state_ == State::expecting_hello && !rest.empty()) {
    // The cutter gets no byte behind the hello, since what follows may be larger.
    const std::size_t size =
        std::min(rest.size(), frame_alignment - cutter_.buffered_bytes() % frame_alignment);
    if (!take(rest.first(size)))
      return;
    rest = rest.subspan(size);
  }
  if (!rest.empty() && !take(rest))
    return;
  send_messages();
  count_half_frame();
  if (std::exchange(is_doubtful_, false))
    doubt();
  if (cutter_.buffered_bytes() > 0 && !frame_deadline_runs_)
    start_frame_deadline();
}

/// Half a frame costs us what has come of it, for as long as its sender likes; not for ever.
void Connection::start_frame_deadline() {
  frame_deadline_runs_ = true;
  send_after(this, options_.limits.frame_timeout, this, FrameDeadline{frames_});
}

void Connection::on_frame_deadline(std::uint64_t frames) {
  frame_deadline_runs_ = false;
  if (cutter_.buffered_bytes() == 0)
    return;
  if (frames == frames_ && !is_paused_)
    return refuse("half a frame for too long");
  start_frame_deadline();
}

/// False if that was the end of the connection.
bool Connection::take(std::span<const char> arrived) {
  bodies_.clear();
  if (const auto problem = cutter_.take(arrived, bodies_)) {
    refuse(*problem);
    return false;
  }
  frames_ += bodies_.size();
  return route_bodies();
}

/// All frames of the last read, or as many as may be unanswered. False if one of them was the end
/// of the connection.
bool Connection::route_bodies() {
  while (bodies_routed_ < bodies_.size()) {
    if (backlog_.must_wait()) {
      stop_reading();
      return true;
    }
    if (!on_body(bodies_[bodies_routed_++]))
      return false;
  }
  bodies_.clear();
  bodies_routed_ = 0;
  return true;
}

/// The other side waits with the rest, as it would for a slow network. What was read already is
/// kept: less than one read, in memory of its own.
void Connection::stop_reading() {
  if (std::exchange(is_paused_, true))
    return;
  halt(handle_);
  std::vector<Bytes> rest;
  for (std::size_t i = bodies_routed_; i < bodies_.size(); ++i)
    rest.push_back(Bytes::copy_of(bodies_[i].span()));
  bodies_ = std::move(rest);
  bodies_routed_ = 0;
}

void Connection::on_room_again() {
  if (state_ == State::draining || !is_paused_)
    return;
  is_paused_ = false;
  if (!route_bodies())
    return;
  send_messages();
  if (is_paused_)
    return;
  trigger(handle_);
  if (std::exchange(read_on_again_, read_on_again_max) == 0)
    send_after(this, read_on_pause, this, ReadOn{});
}

/// CAF forgets to read on where it has not yet carried out that reading stops, and does nothing
/// where we read already: it is told again, a few times.
void Connection::read_on() {
  if (state_ == State::draining)
    return;
  if (!is_paused_)
    trigger(handle_);
  if (--read_on_again_ > 0)
    send_after(this, read_on_pause, this, ReadOn{});
}

/// False if that was the end of the connection.
bool Connection::on_body(const Bytes& body) {
  // All frames of one read share a buffer. A client's frame that is kept must not keep the others.
  const bool shared = bodies_.size() > 1 && theirs_.address.empty();
  Result<wire::Packet> packet = wire::decode(shared ? Bytes::copy_of(body.text()) : body);
  body_bytes_ = body.size();
  const std::string problem = packet ? std::string(route(*packet)) : packet.detail();
  if (!problem.empty())
    refuse(problem);
  return state_ != State::draining;
}

std::string_view Connection::route(wire::Packet& packet) {
  if (state_ == State::expecting_hello)
    return on_hello(packet);
  return std::visit([this](auto& body) { return on_packet(body); }, packet);
}

std::string_view Connection::on_hello(wire::Packet& packet) {
  auto* hello = std::get_if<wire::Hello>(&packet);
  if (const auto* response = std::get_if<wire::Response>(&packet);
      response && options_.direction == Direction::outgoing && response->id == 0) {
    on_turned_away(*response);
    return {};
  }
  if (!hello)
    return "the first packet is not a hello";
  if (hello->version != wire::protocol_version)
    return "another protocol version";
  // Peers will dial this address and trust nothing else about it.
  if (!hello->address.empty() && !problem_of_address(hello->address).empty())
    return "a hello from an address that cannot be dialed";
  theirs_ = std::move(*hello);
  if (const std::string why = take_place(); !why.empty()) {
    turn_away(why);
    return {};
  }
  greet();
  state_ = State::open;
  cutter_ = wire::FrameCutter();
  start_beats();
  if (options_.opener)
    actors::send(this, options_.opener, ConnectionReady{caf::actor_cast<caf::actor>(this)});
  return {};
}

std::string_view Connection::on_packet(wire::Hello&) {
  return "a second hello";
}

std::string_view Connection::on_packet(wire::PeerMessages& packet) {
  if (theirs_.address.empty())
    return "messages of peers from someone who is not a node";
  for (Message& message : packet.messages)
    if (options_.registry && options_.registry->by_id.contains(message.to))
      messages_[message.to].messages.push_back(std::move(message));
  if (packet.ended != 0)
    hear_beat(packet.ended);
  return {};
}

void Connection::send_messages() {
  for (auto& [peer, inbound] : messages_) {
    inbound.from_address = theirs_.address;
    inbound.connection = caf::actor_cast<caf::actor>(this);
    actors::send(this, options_.registry->by_id.at(peer), std::move(inbound));
  }
  messages_.clear();
}

std::string_view Connection::on_packet(wire::Calls& packet) {
  if (options_.direction != Direction::incoming)
    return "calls from someone who was called";
  const caf::actor* target = &options_.owner;
  if (options_.registry)
    if (const auto peer = options_.registry->by_name.find(packet.peer);
        peer != options_.registry->by_name.end())
      target = &peer->second;
  const std::size_t cost =
      std::max(body_bytes_, frame_cost_bytes_min) + packet.calls.size() * call_cost_bytes;
  if (Ticket ticket = backlog_.admit(packet.calls.size(), cost))
    actors::send(
        this, *target,
        InboundCalls{caf::actor_cast<caf::actor>(this), std::move(packet), ticket, body_bytes_});
  else
    refuse_as_busy(packet.calls);
  return {};
}

void Connection::refuse_as_busy(const std::vector<wire::Call>& calls) {
  if (!has_room_for_refusals())
    return;
  const auto self = caf::actor_cast<caf::actor>(this);
  Replies replies;
  replies.refuse(self, calls, Refusal::busy);
  for (auto& [connection, packet] : replies.take())
    on_frame(wire::encode(std::move(packet)));
}

std::string_view Connection::on_packet(wire::Request& packet) {
  if (options_.direction != Direction::incoming)
    return "a request from someone who was called";
  const std::size_t cost = std::max(body_bytes_, frame_cost_bytes_min);
  if (Ticket ticket = backlog_.admit_request(cost))
    actors::send(this, options_.owner,
                 InboundRequest{caf::actor_cast<caf::actor>(this), std::move(packet), ticket});
  else if (has_room_for_refusals())
    on_frame(wire::encode(refused(packet.id, Refusal::busy)));
  return {};
}

/// Refusals are made of what is refused, and nothing else bounds them: a connection that does not
/// read them is closed.
bool Connection::has_room_for_refusals() {
  if (backlog_.has_room())
    return true;
  overflow(0);
  return false;
}

/// An entry is the one large answer to a small request.
void Connection::on_response(wire::Response& response) {
  if (backlog_.has_answers_enough() && std::holds_alternative<Entry>(response.body))
    response = refused(response.id, Refusal::busy);
  on_frame(wire::encode(std::move(response)));
}

std::string_view Connection::on_packet(wire::CallReplies& packet) {
  if (options_.direction != Direction::outgoing)
    return "replies from someone who was not called";
  actors::send(this, options_.owner, InboundReplies{options_.address, std::move(packet)});
  return {};
}

std::string_view Connection::on_packet(wire::Response& packet) {
  if (options_.direction != Direction::outgoing)
    return "a response from someone who was not asked";
  if (packet.id == 0) {
    on_turned_away(packet);
    return {};
  }
  actors::send(this, options_.owner, InboundResponse{options_.address, std::move(packet)});
  return {};
}

void Connection::on_frame(const wire::Frame& frame) {
  if (state_ == State::draining)
    return;
  if (unwritten_bytes_ + frame->size() > options_.limits.unwritten_bytes_max)
    return overflow(frame->size());
  dropped_frames_ = 0;
  write_frame(frame);
}

/// Behind all that is in the mailbox by now, so that it leaves together.
void Connection::write_frame(const wire::Frame& frame) {
  if (waiting_.empty())
    actors::send(this, this, Flush{});
  spoke_ = true;
  waiting_.push_back(frame);
  waiting_bytes_ += frame->size();
  unwritten_bytes_ += frame->size();
  // Now, since what is asked next may be answered before this turn ends.
  if (unwritten_bytes_ > given_bytes_max)
    backlog_.note_unwritten(unwritten_bytes_);
}

/// What the kernel takes at once is neither copied nor waited for. Of the rest CAF gets a part,
/// which it copies and writes when there is room; what stands behind that waits as it is.
void Connection::write_waiting() {
  if (unwritten_bytes_ == waiting_bytes_) {
    std::size_t sent = send_at_once(fd(), waiting_);
    unwritten_bytes_ -= sent;
    std::size_t given = 0;
    auto frame = waiting_.begin();
    for (; frame != waiting_.end() && given < given_bytes_max; ++frame) {
      const std::size_t size = (*frame)->size();
      const std::size_t gone = std::min(sent, size);
      sent -= gone;
      waiting_bytes_ -= size;
      given += size - gone;
      if (gone < size)
        write(handle_, size - gone, (*frame)->data() + gone);
    }
    waiting_.erase(waiting_.begin(), frame);
    if (given > 0)
      flush(handle_);
  }
  backlog_.note_unwritten(unwritten_bytes_);
}

void Connection::overflow(std::size_t frame_bytes) {
  if (dropped_frames_++ == 0)
    log(LogLevel::warning, "connection_overflow",
        {{"with", who()}, {"unwritten_bytes", unwritten_bytes_}, {"frame_bytes", frame_bytes}});
  if (options_.overflow == Overflow::close)
    close_at_once();
}

void Connection::on_transferred(const caf::io::data_transferred_msg& transferred) {
  unwritten_bytes_ = transferred.remaining + waiting_bytes_;
  write_waiting();
  if (state_ == State::draining && unwritten_bytes_ == 0)
    close_at_once();
}

void Connection::on_drain() {
  write_waiting();
  if (unwritten_bytes_ == 0)
    return close_at_once();
  if (state_ != State::draining)
    send_after(this, options_.limits.drain_timeout, this, DrainDeadline{});
  state_ = State::draining;
}

void Connection::refuse(std::string_view why) {
  log(LogLevel::warning, "connection_refused", {{"with", who()}, {"why", why}});
  close_at_once();
}

void Connection::close_at_once() {
  state_ = State::draining;  // Nothing more is taken.
  if (valid(handle_))
    shut_down(fd());
  quit();
}

std::string Connection::who() const {
  if (!theirs_.node.empty())
    return theirs_.node + "@" + theirs_.address;
  if (!options_.address.empty())
    return options_.address;
  return "client";
}

caf::actor spawn_connection(caf::actor_system& system, ConnectionOptions options,
                            SharedSocket socket) {
  caf::actor_config config{&system.middleman().backend()};
  return system.spawn_class<Connection, caf::no_spawn_options>(config, std::move(options),
                                                               std::move(socket));
}

}  // namespace troupe::actors
