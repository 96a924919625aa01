#include "test/sim/explorer/explorer.hpp"

namespace troupe::sim {

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = {
      {.name = "figure_8",
       .about = "entries of older terms, counted (§3.6.2)",
       .depth = 9,
       .budget = {.campaigns = 3, .proposals = 1}},
      {.name = "four_voters",
       .about = "two leaders that each take away another voter (§4.1, 2015)",
       .peers = 4,
       .voters = 4,
       .depth = 8,
       .budget = {.campaigns = 2, .changes = 2},
       .append_bytes = 4096,
       .targets = {{1, 2, 3}, {2, 3, 4}}},
      {.name = "late_messages",
       .about = "answers on a way of their own, and what was overtaken",
       .depth = 6,
       .budget = {.campaigns = 2, .proposals = 1, .crashes = 1},
       .lone_answers = true,
       .late_messages = true},
      {.name = "lagging_disks",
       .about = "crashes that lose what a disk has not finished (§3.8)",
       .depth = 6,
       .budget = {.campaigns = 2, .proposals = 1, .crashes = 2, .stalls = 2, .heartbeats = 1},
       .append_bytes = 4096},
      {.name = "alone_at_last",
       .about = "a cluster of two that becomes one, with disks that lag",
       .peers = 2,
       .voters = 2,
       .depth = 8,
       .budget = {.campaigns = 2, .proposals = 1, .changes = 1, .crashes = 1, .stalls = 1},
       .targets = {{1}, {2}}},
      {.name = "alone",
       .about = "a cluster of one that crashes as it is elected",
       .peers = 1,
       .voters = 1,
       .depth = 12,
       .budget = {.campaigns = 3, .proposals = 2, .crashes = 2, .stalls = 2}},
  };
  return all;
}

}  // namespace troupe::sim
