#pragma once

/// Entries of a log that are gone, in the midst of it. Internal to this layer.

#include "core/types.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::storage {

/// Stands for a record and all that came before it in its log.
using Chain = Number<struct ChainTag>;

/// So many entries of one term, side by side.
struct TermRun {
  Term term{};
  std::uint64_t count = 0;
  friend bool operator==(const TermRun&, const TermRun&) = default;
};

/// Released entries side by side: of them remain their ids, and that the chain went through them.
struct Holes {
  Index first{};
  std::vector<TermRun> terms{};  ///< Ascending, and never empty.
  Chain before{};                ///< Of the entry before the first.
  Chain chain{};                 ///< Of the last.

  EntryId last() const;
  std::uint64_t count() const;
};
/// Holes of more terms than this are more than one record.
inline constexpr std::size_t hole_terms_max = 64;

/// Adds an entry behind the last; false if there is no room for another term.
bool extend(Holes& holes, Term term, Chain chain);
/// Adds `behind`, which follow; false if there is no room for their terms.
bool extend(Holes& holes, const Holes& behind);
/// Takes those up to and including `upto`, which is not the last, out of `holes`. Their chains are
/// not known any more; the one between the two is made up, and both have it.
Holes split(Holes& holes, Index upto);

}  // namespace troupe::storage
