#pragma once

#include "actors/runtime/backlog.hpp"
#include "actors/runtime/broker.hpp"
#include "actors/runtime/caf.hpp"
#include "actors/transport/connection_slots.hpp"
#include "actors/transport/half_frames.hpp"
#include "actors/transport/messages.hpp"
#include "actors/transport/socket.hpp"
#include "wire/frame.hpp"
#include "wire/packet.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::actors {

/// What a connection does when its socket takes bytes slower than they are given to it.
enum class Overflow : std::uint8_t {
  drop,   ///< Drops frames: for peers, whose protocol repeats what got lost.
  close,  ///< Ends the connection: for clients, who then know that their answers are lost.
};

struct ConnectionLimits {
  /// The other side must have said its hello within this.
  Duration hello_timeout = std::chrono::seconds(3);
  /// A frame that began to come must be complete after at most twice this, be it one of 16 MiB.
  Duration frame_timeout = std::chrono::seconds(30);
  /// Of what all incoming connections of a node hold of incomplete frames; see `HalfFrames`.
  std::size_t half_frame_bytes_max = std::size_t{64} << 20;
  /// How long a connection that is told to exit may take to write what it was given before.
  Duration drain_timeout = std::chrono::milliseconds(500);
  /// Bytes of frames that the socket has not taken yet. More than `answer_bytes_max` by the largest
  /// frame: a client that reads slowly is refused more before it is closed.
  std::size_t unwritten_bytes_max = std::size_t{48} << 20;
  /// Calls and requests that came in and are not answered yet. Beyond either they are refused as
  /// `busy` and passed to nobody; who does not read that either is closed by the limit above.
  std::size_t unanswered_max = std::size_t{1} << 17;
  std::size_t unanswered_bytes_max = std::size_t{64} << 20;
  /// Frames with calls, and requests among them, that came in and are not answered yet. Beyond
  /// either nothing more is read until half of them are.
  std::size_t unanswered_frames_max = 256;
  std::size_t unanswered_requests_max = 64;
  /// Bytes of answers that the socket has not taken yet. Beyond the first, nothing more is read and
  /// queries that were read wait until half of it is taken, and requests for entries are refused as
  /// `busy`. Beyond the second, the values of commands are left out, and a connection that must be
  /// refused something is closed.
  std::size_t query_answer_bytes_max = std::size_t{8} << 20;
  std::size_t answer_bytes_max = std::size_t{32} << 20;
  /// The same for all incoming connections of a node together; each may have 64 KiB beyond it.
  std::size_t node_unanswered_bytes_max = std::size_t{128} << 20;
  std::size_t node_answer_bytes_max = std::size_t{128} << 20;
};

/// How nodes know of each other that they are alive. The one that dialed says so every `interval`,
/// if it has said nothing else since the last time; the other side tells its owner (`NodeInDoubt`)
/// when it has heard nothing for `missed_max` such times, when it hears that a peer has ended over
/// there, and when the connection ends. Peers that are quiet rest on that.
struct Beats {
  Duration interval{};  ///< 0: none.
  unsigned missed_max = 1;
};

/// The side that dialed decides what may be sent: requests go one way, answers the other.
enum class Direction : std::uint8_t { incoming, outgoing };

struct ConnectionOptions {
  Direction direction = Direction::incoming;
  std::string address{};  ///< Outgoing: what was dialed. Incoming: empty.
  std::string source{};   ///< Incoming: see `source_of`.
  wire::Hello hello{};    ///< What we say first.
  /// Incoming: the node; gets requests, and calls for peers that do not run.
  /// Outgoing: who dialed; gets `InboundReplies` and `InboundResponse`.
  caf::actor owner{};
  SharedRegistry registry{};  ///< Null where no peers are. A `SharedRegistry` message replaces it.
  caf::actor opener{};  ///< Told `ConnectionReady` when the hellos are exchanged. May be null.
  Overflow overflow = Overflow::close;
  ConnectionLimits limits{};
  /// What this one and others hold of incomplete frames. May be null.
  std::shared_ptr<HalfFrames> half_frames{};
  /// Incoming: where it takes its place. May be null.
  std::shared_ptr<ConnectionSlots> slots{};
  /// What this one and others were asked and have not answered. May be null.
  std::shared_ptr<NodeBacklog> node_backlog{};
  Beats beats{};
};

/// Connection -> itself, every `Beats::interval`.
struct Beat {};

/// Connection -> itself: enough was answered to read on.
struct RoomAgain {};
/// Connection -> itself, some time after it began to read on; see `Connection::read_on`.
struct ReadOn {};

/// Connection -> who opened it: the other side said its hello.
struct ConnectionReady {
  caf::actor connection{};
};

/// Connection -> who opened it: the other side has no place for us. The connection ends, and
/// nothing that was given to it has happened.
struct ConnectionTurnedAway {
  caf::actor connection{};
  std::string why{};
};

/// One TCP connection. Takes `wire::Frame` messages to write, answers (`wire::CallReplies`,
/// `wire::Response`) to encode and write, `SharedRegistry`, and an exit: what it was given before
/// is then written first, within a deadline. Ends with its socket; nothing that is sent to it
/// afterwards can reach another connection.
///
/// Trusts no byte: a stream that is not frames, frames that are not packets, and packets that are
/// not for this direction close it, and nothing else happens.
class Connection : public Broker {
public:
  /// Over a socket that is connected.
  Connection(caf::actor_config& config, ConnectionOptions options, SharedSocket socket);

  caf::behavior make_behavior() override;
  const char* name() const override { return "connection"; }
  void on_exit() override;

private:
  enum class State : std::uint8_t { expecting_hello, open, draining };

  void on_data(caf::io::new_data_msg& arrived);
  void follow_read_size(std::size_t arrived_bytes);
  bool take(std::span<const char> arrived);
  void start_frame_deadline();
  void on_frame_deadline(std::uint64_t frames);
  bool route_bodies();
  bool on_body(const Bytes& body);
  void stop_reading();
  void on_room_again();
  void read_on();
  void on_frame(const wire::Frame& frame);
  void on_transferred(const caf::io::data_transferred_msg& transferred);
  void on_drain();
  void overflow(std::size_t frame_bytes);

  /// Each returns what is wrong with the packet, or nothing.
  std::string_view route(wire::Packet& packet);
  std::string_view on_hello(wire::Packet& packet);
  std::string_view on_packet(wire::Hello& packet);
  std::string_view on_packet(wire::PeerMessages& packet);
  std::string_view on_packet(wire::Calls& packet);
  std::string_view on_packet(wire::CallReplies& packet);
  std::string_view on_packet(wire::Request& packet);
  std::string_view on_packet(wire::Response& packet);
  void send_messages();

  // connection_place.cpp: who we are, and whether there is a place for it.
  void enter();
  void greet();
  std::string take_place();
  void give_way(const std::vector<caf::actor>& others);
  void turn_away(const std::string& why);
  void on_turned_away(const wire::Response& response);
  bool is_member() const;
  void count_half_frame();

  // connection_beats.cpp
  bool beats() const;
  bool watches() const;
  void start_beats();
  void on_beat();
  bool is_ended_news() const;
  void write_beat();
  void hear_beat(std::uint64_t ended);
  void look_for_silence();
  void doubt();

  void refuse_as_busy(const std::vector<wire::Call>& calls);
  void on_response(wire::Response& response);
  bool has_room_for_refusals();

  void write_frame(const wire::Frame& frame);
  void write_waiting();
  void refuse(std::string_view why);
  /// Ends the socket without waiting for the other side, who may never close its end.
  void close_at_once();
  int fd() const { return static_cast<int>(handle_.id()); }
  std::string who() const;

  ConnectionOptions options_;
  SharedSocket socket_{};  ///< Until `handle_` is made of it.
  caf::io::connection_handle handle_{};
  State state_ = State::expecting_hello;
  std::size_t read_bytes_ = 0;  ///< What the next read may bring.
  unsigned small_reads_ = 0;    ///< In a row, that could have been smaller.
  wire::FrameCutter cutter_{};
  std::uint64_t frames_ = 0;  ///< That were complete.
  bool frame_deadline_runs_ = false;
  bool half_frame_counts_ = false;  ///< Among those of all connections.
  wire::Hello theirs_{};
  bool greeted_ = false;  ///< Our hello is written.
  ConnectionSlots::Used used_{};
  std::vector<wire::Frame> waiting_{};  ///< Written when this turn ends.
  std::uint64_t waiting_bytes_ = 0;
  std::uint64_t unwritten_bytes_ = 0;  ///< These, and what CAF holds.
  Backlog backlog_;
  std::size_t body_bytes_ = 0;        ///< Of the frame that is being routed.
  bool is_paused_ = false;            ///< Too much is unanswered: nothing is read.
  unsigned read_on_again_ = 0;        ///< How often reading is still to be resumed once more.
  bool spoke_ = false;                ///< Since the last beat.
  bool heard_ = false;                ///< Likewise, of the other side.
  unsigned missed_ = 0;               ///< Beats in a row.
  std::uint64_t ended_told_ = 0;      ///< With the last beat of ours...
  std::uint64_t ended_heard_ = 0;     ///< ...and of the other side's; 0 before the first.
  bool is_doubtful_ = false;          ///< The owner is told when this read is done.
  std::uint64_t dropped_frames_ = 0;  ///< In a row.
  std::vector<Bytes> bodies_{};       ///< Of one read.
  std::size_t bodies_routed_ = 0;     ///< So many of them.
  std::map<PeerId, InboundMessages> messages_{};  ///< Of one read, by whom they are for.
};

/// Starts a connection over a socket that is connected.
caf::actor spawn_connection(caf::actor_system& system, ConnectionOptions options,
                            SharedSocket socket);

}  // namespace troupe::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::Beat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::RoomAgain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ReadOn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ConnectionReady)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::actors::ConnectionTurnedAway)
