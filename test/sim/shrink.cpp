#include "test/sim/shrink.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <utility>
#include <vector>

namespace troupe::sim {

namespace {

using std::chrono::milliseconds;

/// With something left out chance falls otherwise, and an honest candidate may pass by luck. So
/// each is tried with as many other dice.
constexpr std::uint64_t dice_max = 12;
/// Faults that strike for a shorter time are as easy to read.
constexpr Duration precision = milliseconds(50);

class Shrinking {
public:
  Shrinking(const Swarm& swarm, const Run& run, std::size_t runs_max)
      : swarm_(swarm), run_(run), runs_max_(runs_max) {}

  std::optional<Shrunk> run() {
    const auto failure = try_run({});
    if (!failure)
      return std::nullopt;
    kind_ = kind_of(*failure);
    keep({}, *failure);
    std::size_t before = 0;
    do {
      before = kept_;
      leave_out_faults();
      fewer(
          [](Variation & v) -> auto& { return v.spares; }, vary(swarm_, best_.variation).spares, 0);
      fewer(
          [](Variation & v) -> auto& { return v.peers; }, vary(swarm_, best_.variation).peers, 1);
      fewer(
          [](Variation & v) -> auto& { return v.clients; },
          vary(swarm_, best_.variation).clients.clients, 1);
      shorten();
    } while (kept_ != before && best_.runs < runs_max_);
    return best_;
  }

private:
  std::optional<Failure> try_run(const Variation& variation) {
    ++best_.runs;
    auto failure = run_(vary(swarm_, variation));
    if (failure && !kind_.empty() && kind_of(*failure) != kind_)
      return std::nullopt;
    return failure;
  }

  void keep(Variation variation, Failure failure) {
    ++kept_;
    best_.variation = std::move(variation);
    // Behind the failure nothing happened that matters.
    const Duration chaos = vary(swarm_, best_.variation).chaos;
    if (failure.at && *failure.at < chaos)
      best_.variation.stop_after = std::chrono::ceil<milliseconds>(*failure.at);
    best_.failure = std::move(failure);
  }

  /// With the dice as they are, and then with others.
  bool try_keep(Variation variation) {
    const auto thrown = best_.variation.dice;
    for (std::uint64_t dice = 0; dice <= dice_max && best_.runs < runs_max_; ++dice) {
      variation.dice = dice == 0 ? thrown : std::optional(dice);
      if (const auto failure = try_run(variation)) {
        keep(std::move(variation), *failure);
        return true;
      }
    }
    return false;
  }

  /// Half of them, a quarter, and so on to one by one.
  void leave_out_faults() {
    std::vector<std::string> left;
    for (const std::string_view fault : fault_names())
      if (strikes(fault, vary(swarm_, best_.variation)))
        left.emplace_back(fault);
    for (std::size_t piece = left.size(); piece > 0; piece /= 2)
      for (std::size_t from = 0; from < left.size();) {
        const auto begin = left.begin() + static_cast<std::ptrdiff_t>(from);
        const auto end =
            left.begin() + static_cast<std::ptrdiff_t>(std::min(left.size(), from + piece));
        Variation variation = best_.variation;
        variation.without.insert(begin, end);
        if (try_keep(std::move(variation)))
          left.erase(begin, end);
        else
          from += piece;
      }
  }

  /// As few of something as do, counted down from what there are.
  template <class Member>
  void fewer(Member member, unsigned now, unsigned least) {
    for (unsigned count = least; count < now; ++count) {
      Variation variation = best_.variation;
      member(variation) = count;
      if (try_keep(std::move(variation)))
        return;
    }
  }

  void shorten() {
    Duration low{0};
    while (best_.runs < runs_max_) {
      const Duration high = vary(swarm_, best_.variation).chaos;
      if (high - low <= precision)
        return;
      Variation variation = best_.variation;
      variation.stop_after = std::chrono::ceil<milliseconds>((low + high) / 2);
      if (!try_keep(variation))
        low = *variation.stop_after;
    }
  }

  const Swarm& swarm_;
  const Run& run_;
  std::size_t runs_max_;
  std::string kind_{};
  Shrunk best_{};
  std::size_t kept_ = 0;
};

}  // namespace

std::string kind_of(const Failure& failure) {
  std::string kind;
  for (const char c : failure.what.substr(0, failure.what.find('\n')))
    if (std::isdigit(static_cast<unsigned char>(c)) == 0)
      kind += c;
    else if (kind.empty() || kind.back() != '#')
      kind += '#';
  return kind;
}

std::optional<Shrunk> shrink(const Swarm& swarm, const Run& run, std::size_t runs_max) {
  return Shrinking(swarm, run, runs_max).run();
}

}  // namespace troupe::sim
