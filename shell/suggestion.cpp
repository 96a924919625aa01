#include "shell/suggestion.hpp"

#include <algorithm>
#include <cstddef>

namespace troupe::shell {

namespace {

constexpr std::size_t word_bytes_max = 64;

/// How many slips make `b` of `a`: the optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> slips(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        slips[i][j] = i + j;
        continue;
      }
      const bool same = a[i - 1] == b[j - 1];
      slips[i][j] = std::min(
          {slips[i - 1][j] + 1, slips[i][j - 1] + 1, slips[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        slips[i][j] = std::min(slips[i][j], slips[i - 2][j - 2] + 1);
    }
  }
  return slips[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t long_word = 6;
  std::string best;
  std::size_t slips = word.size() < long_word ? 2 : 3;  // Fewer than these.
  for (const std::string& candidate : known) {
    if (word.size() > word_bytes_max || candidate.size() > word_bytes_max)
      continue;
    if (const std::size_t needed = distance(word, candidate); needed < slips) {
      slips = needed;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string best = nearest(word, known);
  return best.empty() ? "" : ", did you mean " + best + "?";
}

}  // namespace troupe::shell
