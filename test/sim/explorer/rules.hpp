#pragma once

#include "core/engine.hpp"
#include "core/entry.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::sim {

/// What clients rely on, and nothing that only an engine knows: one leader a term (§3.2), a leader
/// holds all that was applied in lower terms (§3.6.3), and an index is applied with one entry
/// (§3.2). It knows what ever happened, and so is part of what is explored.
class Rules {
public:
  /// `engine` leads its term from now on. Its peer started for the `life`th time: to lead a term
  /// again after a crash is to have two leaders in it.
  void elected(const Engine& engine, unsigned life);
  /// Whether that was told.
  bool knows(const Engine& leader, unsigned life) const;
  /// `engine` gives out `entry` to be applied.
  void applied(const Engine& engine, PeerId peer, const Entry& entry);

  const std::optional<std::string>& violation() const { return violation_; }
  std::uint64_t digest() const;

private:
  struct Election {
    PeerId leader{};
    unsigned life = 0;
    std::vector<EntryId> log{};
  };
  struct Applied {
    EntryId id{};
    std::uint64_t payload = 0;
    Term in_term{};
    friend bool operator==(const Applied&, const Applied&) = default;
  };

  void fail(std::string what);
  void check(const Applied& applied, Term term, const Election& election);

  std::map<Term, Election> elections_{};
  std::vector<Applied> applied_{};
  std::optional<std::string> violation_{};
};

}  // namespace troupe::sim
