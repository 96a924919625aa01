#pragma once

#include "core/engine.hpp"
#include "test/data/story.hpp"
#include "test/sim/checker.hpp"
#include "test/sim/marks.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::test {

/// A few engines that stand still until a story tells them to move: each message is delivered, and
/// each write made durable, by hand. The simulator's checker looks on.
///
/// The verbs are documented at their handlers in stage_verbs.cpp.
class Stage {
public:
  /// Answers one line of a story. An unknown verb is answered with an error, which no story
  /// expects.
  std::string run(const Line& line);

private:
  struct Peer {
    std::optional<Engine> engine{};
    EngineView view{};  ///< As last seen.
    Time now{};
    Recovered durable{};
    Recovered copy{};            ///< Of that, as it was when it was copied last.
    std::deque<Write> writes{};  ///< On their way to the disk.
    bool disk_is_held = false;
    sim::State state{};
  };
  using Link = std::pair<PeerId, PeerId>;

  // stage.cpp: what happens.
  void start(PeerId id);
  void perform(PeerId id);
  void look(PeerId id);
  void step(PeerId id, const Input& input);
  void persist_one(PeerId id, bool with_notice);
  void deliver_one(Message message);
  void say(const std::string& line) { answer_ += line + "\n"; }
  Peer& peer(PeerId id);
  std::vector<Link> links(const Line& line);
  PeerId first_peer(const Line& line);
  std::vector<Message> take_flight(const std::vector<Link>& links);
  std::uint64_t number(const Line& line, const std::string& key, std::uint64_t otherwise);

  // stage_verbs.cpp
  using Verb = void (Stage::*)(const Line&);
  static const std::map<std::string, Verb>& verbs();
  void cluster(const Line& line);
  void log(const Line& line);
  void bootstrap(const Line& line);
  void campaign(const Line& line);
  void elect(const Line& line);
  void propose(const Line& line);
  void read(const Line& line);
  void transfer(const Line& line);
  void change(const Line& line);
  void deliver(const Line& line);
  void drop(const Line& line);
  void hold(const Line& line);
  void release(const Line& line);
  void repeat(const Line& line);
  void isolate(const Line& line);
  void cut(const Line& line);
  void heal(const Line& line);
  void disk(const Line& line);
  void persist(const Line& line);
  void tick(const Line& line);
  void crash(const Line& line);
  void restart(const Line& line);
  void wipe(const Line& line);
  void copy(const Line& line);
  void set_back(const Line& line);
  void disconnect(const Line& line);
  void silence(const Line& line);
  void forge(const Line& line);
  void show(const Line& line);

  EngineOptions options_{.quiet_after = Duration::zero()};
  std::map<PeerId, Peer> peers_{};
  std::deque<Message> flight_{};
  std::vector<Message> held_{};
  std::set<Link> cuts_{};
  std::string answer_{};
  bool quiet_ = false;      ///< Messages are not told.
  bool strangers_ = false;  ///< Forged messages and second clusters are beyond the checker.
  sim::Marks marks_{};
  sim::Checker checker_{marks_};
};

}  // namespace troupe::test
