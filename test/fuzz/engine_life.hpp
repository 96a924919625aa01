#pragma once

#include "core/engine.hpp"
#include "test/fuzz/draw.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace troupe::fuzz {

/// One peer with its disk, among others that may say anything a decoder lets through. Its own
/// surroundings keep their promises: the disk writes in order, clocks only advance.
class EngineLife {
public:
  explicit EngineLife(Draw& draw);

  /// Makes the next choice and all that follows from it.
  void step();
  /// The first rule that was broken.
  const Problem& problem() const { return problem_; }

private:
  void restart();
  void settle();
  void perform(Output output);
  void write(const Write& write);
  void apply(const std::vector<Entry>& committed);
  void check();
  void check_quiet_leader(const EngineView& now);
  void fail(std::string what);

  void hear_news();
  void receive();
  void persist();
  void ask();
  void change_configuration();
  void answer_snapshot();
  void store_chunk();
  void lose_snapshot();
  void report_released();

  EntryId draw_id();
  SnapshotHead draw_head();
  Configuration draw_configuration();
  std::vector<Entry> draw_entries(EntryId previous, Term upto);
  Body draw_body(Term term);

  Draw& draw_;
  Recovered disk_{};             ///< What is durable.
  std::deque<Write> written_{};  ///< What is not yet, in order.
  Time now_{};
  std::optional<Engine> engine_{};
  EngineView before_{};
  Index applied_{};
  Index reported_{};  ///< What the entries up to here released.
  WriteId last_write_{};
  std::optional<SnapshotPlace> taking_{};
  std::deque<ChunkToStore> chunks_{};
  std::map<std::uint64_t, std::uint64_t> received_{};  ///< By hash: how far.
  std::optional<SnapshotHead> installed_{};
  std::set<Index> released_{};
  std::size_t inputs_ = 0;
  Problem problem_{};
};

}  // namespace troupe::fuzz
