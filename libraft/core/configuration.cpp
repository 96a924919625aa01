#include "core/configuration.hpp"

#include "core/mutant.hpp"

#include <algorithm>
#include <limits>

namespace troupe {
namespace {

constexpr std::uint8_t format = 2;
constexpr std::uint32_t text_bytes_max = 1024;
/// A century: sums of it and any time that a clock shows do not overflow.
constexpr std::uint64_t keep_after_max = 100ULL * 365 * 24 * 3600 * 1'000'000;

const Member* find_in(const std::vector<Member>& set, PeerId id) {
  const auto it = std::ranges::find(set, id, &Member::id);
  return it == set.end() ? nullptr : &*it;
}

/// Whether the ids are sorted, each stands there once, and none is nobody's.
bool is_set(const std::vector<Member>& members) {
  const auto disordered = [](const Member& a, const Member& b) { return a.id >= b.id; };
  return std::ranges::adjacent_find(members, disordered) == members.end()
         && (members.empty() || members.front().id != nobody);
}

Tally tally_of(const std::vector<Member>& voters, const std::map<PeerId, bool>& votes) {
  std::size_t granted = 0;
  std::size_t refused = 0;
  for (const Member& voter : voters)
    if (const auto it = votes.find(voter.id); it != votes.end())
      ++(it->second ? granted : refused);
  // An empty set has nothing against it, so that a joint tally is both of its halves'.
  const std::size_t majority = voters.size() / 2 + 1;
  if (mutant(Mutant::half_elects))
    if (2 * granted >= voters.size())
      return Tally::won;
  if (voters.empty() || granted >= majority)
    return Tally::won;
  return voters.size() - refused < majority ? Tally::lost : Tally::pending;
}

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xFF));
}

void put_text(std::string& out, const std::string& text) {
  put_number(out, text.size(), 4);
  out += text;
}

void put_members(std::string& out, const std::vector<Member>& members) {
  put_number(out, members.size(), 4);
  for (const Member& member : members) {
    put_number(out, member.id.value, 8);
    put_text(out, member.name);
    put_text(out, member.address);
  }
}

/// Takes values off the front of bytes from outside; one that is not there fails it for good.
class Reader {
public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(int bytes) {
    const std::string_view raw = take(static_cast<std::size_t>(bytes));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < raw.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
    return value;
  }

  std::string text() {
    const std::uint64_t size = number(4);
    if (size > text_bytes_max)
      fail();
    return std::string(take(ok_ ? size : 0));
  }

  std::vector<Member> members() {
    const std::uint64_t count = number(4);
    if (count > configuration_members_max)
      fail();
    std::vector<Member> result;
    for (std::uint64_t i = 0; ok_ && i < count; ++i) {
      Member member;
      member.id = {number(8)};
      member.name = text();
      member.address = text();
      result.push_back(std::move(member));
    }
    return result;
  }

  bool done() const { return ok_ && rest_.empty(); }

private:
  void fail() { ok_ = false; }

  std::string_view take(std::size_t size) {
    if (!ok_ || rest_.size() < size) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string full_name(const Member& member) {
  return member.name + "@" + member.address;
}

bool Configuration::has_voter(PeerId id) const {
  return find_in(voters, id) != nullptr || find_in(old_voters, id) != nullptr;
}

bool Configuration::has_member(PeerId id) const {
  return find(id) != nullptr;
}

bool Configuration::keeps_log(PeerId id) const {
  return has_voter(id) || find_in(learners, id) != nullptr;
}

const Member* Configuration::find(PeerId id) const {
  for (const auto* set : {&voters, &old_voters, &learners, &standbys})
    if (const Member* member = find_in(*set, id))
      return member;
  return nullptr;
}

const Member* Configuration::find(const std::string& name) const {
  for (const auto* set : {&voters, &old_voters, &learners, &standbys})
    if (const auto it = std::ranges::find(*set, name, &Member::name); it != set->end())
      return &*it;
  return nullptr;
}

std::vector<Member> Configuration::members() const {
  std::map<PeerId, Member> by_id;
  for (const auto* set : {&voters, &old_voters, &learners, &standbys})
    for (const Member& member : *set)
      by_id.emplace(member.id, member);
  std::vector<Member> result;
  result.reserve(by_id.size());
  for (auto& [id, member] : by_id)
    result.push_back(std::move(member));
  return result;
}

Configuration normalized(Configuration configuration) {
  for (auto* set : {&configuration.voters, &configuration.old_voters, &configuration.learners,
                    &configuration.standbys})
    std::ranges::sort(*set, {}, &Member::id);
  return configuration;
}

Index majority_index(const std::vector<Member>& voters, const PeerMap<Index>& reached) {
  if (voters.empty())
    return {std::numeric_limits<std::uint64_t>::max()};
  std::vector<Index> indexes;
  indexes.reserve(voters.size());
  for (const Member& voter : voters) {
    const auto it = reached.find(voter.id);
    indexes.push_back(it == reached.end() ? Index{} : it->second);
  }
  // In falling order, the one that a majority has reached stands in the middle: of 5, 4, 3 it is
  // 4, and of 5, 4, 3, 2 it is 3.
  std::size_t more = indexes.size() / 2;
  if (mutant(Mutant::half_commits))
    more = (indexes.size() - 1) / 2;
  const auto middle = indexes.begin() + static_cast<std::ptrdiff_t>(more);
  std::ranges::nth_element(indexes, middle, std::ranges::greater{});
  return *middle;
}

Index quorum_index(const Configuration& configuration, const PeerMap<Index>& reached) {
  if (mutant(Mutant::joint_commits_without_old))
    return majority_index(configuration.voters, reached);
  if (mutant(Mutant::joint_commits_without_new))
    if (configuration.is_joint())
      return majority_index(configuration.old_voters, reached);
  return std::min(majority_index(configuration.voters, reached),
                  majority_index(configuration.old_voters, reached));
}

Tally tally(const Configuration& configuration, const std::map<PeerId, bool>& votes) {
  const Tally fresh = tally_of(configuration.voters, votes);
  if (mutant(Mutant::joint_elects_without_old))
    return fresh;
  const Tally old = tally_of(configuration.old_voters, votes);
  if (mutant(Mutant::joint_elects_without_new))
    if (configuration.is_joint())
      return old;
  if (fresh == Tally::lost || old == Tally::lost)
    return Tally::lost;
  return fresh == Tally::won && old == Tally::won ? Tally::won : Tally::pending;
}

std::string encode(const Configuration& configuration) {
  std::string out;
  put_number(out, format, 1);
  put_members(out, configuration.voters);
  put_members(out, configuration.old_voters);
  put_members(out, configuration.learners);
  put_members(out, configuration.standbys);
  put_number(out, configuration.keep.count, 4);
  put_number(out, static_cast<std::uint64_t>(configuration.keep.after.count()), 8);
  return out;
}

std::optional<Configuration> decode_configuration(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.number(1) != format)
    return std::nullopt;
  Configuration configuration;
  configuration.voters = reader.members();
  configuration.old_voters = reader.members();
  configuration.learners = reader.members();
  configuration.standbys = reader.members();
  configuration.keep.count = static_cast<std::uint32_t>(reader.number(4));
  const std::uint64_t after = reader.number(8);
  configuration.keep.after = Duration(static_cast<Duration::rep>(after));
  if (!reader.done() || configuration.empty() || !is_set(configuration.voters)
      || !is_set(configuration.old_voters) || !is_set(configuration.learners)
      || !is_set(configuration.standbys) || after > keep_after_max
      || (configuration.keep.count == 0) != (after == 0))
    return std::nullopt;
  return configuration;
}

}  // namespace troupe
