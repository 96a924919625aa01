#include "test/torture/witness.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace troupe::torture {

namespace {

using sim::KvOperation;
using sim::KvValue;
using Order = std::vector<const Record*>;
using Problem = std::optional<std::string>;

std::string both(const std::string& what, const Record& a, const Record& b) {
  return what + ":\n  " + text(a) + "\n  " + text(b);
}

Order answered(const Records& records) {
  Order order;
  for (const Record& record : records)
    if (!record.is_in_doubt())
      order.push_back(&record);
  return order;
}

/// By index; what a write left stands before what was read there.
void sort_by_index(Order& order) {
  std::stable_sort(order.begin(), order.end(), [](const Record* a, const Record* b) {
    return a->index != b->index ? a->index < b->index : a->is_read() < b->is_read();
  });
}

Problem check_writes_apart(const Order& by_index) {
  const Record* previous = nullptr;
  for (const Record* record : by_index) {
    if (record->is_read())
      continue;
    if (previous != nullptr && previous->index == record->index)
      return both("two writes have one index", *previous, *record);
    previous = record;
  }
  return std::nullopt;
}

/// The answer with the largest index so far, of everyone and of each client.
class Answers {
public:
  void add(const Record& record) {
    keep_larger(of_all_, record);
    keep_larger(of_client_[record.operation.client], record);
  }
  const Record* before(const Record& record) const {
    if (!record.is_sequential())
      return of_all_;
    const auto own = of_client_.find(record.operation.client);
    return own == of_client_.end() ? nullptr : own->second;
  }

private:
  static void keep_larger(const Record*& kept, const Record& record) {
    // A sequential read may lag, and obliges only its own client: an earlier answer may be larger.
    if (kept == nullptr || kept->index < record.index)
      kept = &record;
  }

  const Record* of_all_ = nullptr;
  std::map<std::uint64_t, const Record*> of_client_{};
};

Problem check_real_time(const Order& all) {
  Order by_call = all;
  Order by_return = all;
  std::sort(by_call.begin(), by_call.end(), [](const Record* a, const Record* b) {
    return a->operation.interval.called < b->operation.interval.called;
  });
  std::sort(by_return.begin(), by_return.end(), [](const Record* a, const Record* b) {
    return a->operation.interval.returned < b->operation.interval.returned;
  });
  Answers answers;
  auto returned = by_return.begin();
  for (const Record* record : by_call) {
    for (; returned != by_return.end()
           && (*returned)->operation.interval.returned < record->operation.interval.called;
         ++returned)
      answers.add(**returned);
    const Record* before = answers.before(*record);
    if (before == nullptr)
      continue;
    const bool goes_back =
        record->is_read() ? record->index < before->index : record->index <= before->index;
    if (goes_back)
      return both("the later has no larger index", *before, *record);
  }
  return std::nullopt;
}

/// What a key may hold behind one index.
class KeyState {
public:
  void doubt(const Record& write) { doubts_.push_back(&write); }

  Problem read(const Record& record) const {
    if (!may_be(record.operation.told, record))
      return "nothing up to its index left what was told:\n  " + text(record) + explained();
    return std::nullopt;
  }
  Problem write(const Record& record) {
    Problem problem;
    if (record.operation.action == KvOperation::Action::remove
        && !may_be_removed(record.operation.told != 0, record))
      problem = "nothing up to its index explains what was told:\n  " + text(record) + explained();
    last_ = &record;
    return problem;
  }

private:
  static KvValue left_by(const Record& write) {
    return write.operation.action == KvOperation::Action::set ? write.operation.value : 0;
  }
  KvValue known() const { return last_ == nullptr ? 0 : left_by(*last_); }

  /// Called before the other was answered, and not certainly overwritten since.
  bool may_count(const Record& doubt, const Record& seen_by) const {
    return doubt.operation.interval.called <= seen_by.operation.interval.returned;
  }
  bool may_be(KvValue value, const Record& seen_by) const {
    return value == known()
           || std::any_of(doubts_.begin(), doubts_.end(), [&](const Record* doubt) {
                return left_by(*doubt) == value && may_count(*doubt, seen_by);
              });
  }
  bool may_be_removed(bool was_there, const Record& seen_by) const {
    return (known() != 0) == was_there
           || std::any_of(doubts_.begin(), doubts_.end(), [&](const Record* doubt) {
                return (left_by(*doubt) != 0) == was_there && may_count(*doubt, seen_by);
              });
  }
  std::string explained() const {
    return last_ == nullptr ? "\n  the key was never written" : "\n  the last was " + text(*last_);
  }

  const Record* last_ = nullptr;  ///< Write that was acknowledged.
  Order doubts_{};
};

Problem check_values(const Records& records, const Order& by_index) {
  std::map<std::uint64_t, KeyState> keys;
  for (const Record& record : records)
    if (record.is_in_doubt())
      keys[record.operation.key].doubt(record);
  for (const Record* record : by_index) {
    KeyState& key = keys[record->operation.key];
    if (auto problem = record->is_read() ? key.read(*record) : key.write(*record))
      return problem;
  }
  return std::nullopt;
}

}  // namespace

Problem broken_witness(const Records& records) {
  Order by_index = answered(records);
  if (auto problem = check_real_time(by_index))
    return problem;
  sort_by_index(by_index);
  if (auto problem = check_writes_apart(by_index))
    return problem;
  return check_values(records, by_index);
}

Problem broken_linearizability(const Records& records) {
  std::vector<KvOperation> history;
  for (const Record& record : records)
    if (!record.is_sequential())
      history.push_back(record.operation);
  return sim::broken_history(history);
}

}  // namespace troupe::torture
