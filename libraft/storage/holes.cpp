#include "storage/holes.hpp"

#include "core/assert.hpp"
#include "storage/record.hpp"

#include <algorithm>

namespace troupe::storage {

EntryId Holes::last() const {
  return {.term = terms.back().term, .index = {first.value + count() - 1}};
}

std::uint64_t Holes::count() const {
  std::uint64_t sum = 0;
  for (const TermRun& run : terms)
    sum += run.count;
  return sum;
}

bool extend(Holes& holes, Term term, Chain chain) {
  if (!holes.terms.empty() && holes.terms.back().term == term)
    ++holes.terms.back().count;
  else if (holes.terms.size() < hole_terms_max)
    holes.terms.push_back({.term = term, .count = 1});
  else
    return false;
  holes.chain = chain;
  return true;
}

bool extend(Holes& holes, const Holes& behind) {
  if (holes.terms.size() + behind.terms.size() > hole_terms_max)
    return false;
  for (const TermRun& run : behind.terms) {
    if (!holes.terms.empty() && holes.terms.back().term == run.term)
      holes.terms.back().count += run.count;
    else
      holes.terms.push_back(run);
  }
  holes.chain = behind.chain;
  return true;
}

Holes split(Holes& holes, Index upto) {
  TROUPE_ASSERT(upto >= holes.first && upto < holes.last().index);
  Holes front{.first = holes.first, .terms = {}, .before = holes.before, .chain = {}};
  std::uint64_t wanted = upto.value - holes.first.value + 1;
  while (wanted > 0) {
    TermRun& run = holes.terms.front();
    const std::uint64_t taken = std::min(wanted, run.count);
    front.terms.push_back({.term = run.term, .count = taken});
    wanted -= taken;
    run.count -= taken;
    if (run.count == 0)
      holes.terms.erase(holes.terms.begin());
  }
  front.chain = chain_of_hole(front.last(), holes.before);
  holes.first = next(upto);
  holes.before = front.chain;
  return front;
}

}  // namespace troupe::storage
