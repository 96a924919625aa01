#include "storage/lmdb/lmdb_log.hpp"

#include "core/assert.hpp"

#include <cstddef>
#include <utility>

namespace troupe::storage {

namespace {

bool is_hole(const StoredEntry& entry) {
  return entry.kind == EntryKind::released;
}

/// The entry `record` behind `before` as a hole.
Holes one_hole(const StoredEntry& record, Chain before) {
  return {.first = record.id.index,
          .terms = {{.term = record.id.term, .count = 1}},
          .before = before,
          .chain = record.chain};
}

}  // namespace

int LogChange::perform(const Write& write) {
  if (write.restart) {
    TROUPE_ASSERT(write.snapshot);
    if (const int code = restart(write.snapshot->place.id))
      return code;
  }
  if (write.truncate_from)
    if (const int code = truncate_from(*write.truncate_from))
      return code;
  for (std::size_t at = 0; at < write.entries.size();) {
    const bool hole = write.entries[at].kind == EntryKind::released;
    if (const int code = hole ? append_holes(write.entries, at) : append(write.entries[at++]))
      return code;
  }
  if (const int code = release(write.released))
    return code;
  return write.cut_before ? cut_before(*write.cut_before) : 0;
}

// ---- access

/// The record under `key`, checked against itself.
int LogChange::read(const MDB_val& key, const MDB_val& value, StoredEntry& to) {
  const auto index = number_of(key);
  place_.index = index;
  const bool sound = index && !read_record(to_span(value), to) && to.id.index.value == *index;
  return sound ? 0 : record_damaged;
}

int LogChange::read_at(MDB_cursor_op where, StoredEntry& to) {
  Cursor cursor;
  if (const int code = open_cursor(transaction_, table_, cursor))
    return code;
  MDB_val key{};
  MDB_val value{};
  if (const int code = mdb_cursor_get(cursor.get(), &key, &value, where))
    return code;
  return read(key, value, to);
}

/// The record that the entry `index` is in: its own, or that of holes around it.
int LogChange::find(Index index, StoredEntry& to) {
  place_.index = index.value;
  Cursor cursor;
  if (const int code = open_cursor(transaction_, table_, cursor))
    return code;
  NumberKey number(index.value);
  MDB_val key = number.val();
  MDB_val value{};
  int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_SET_RANGE);
  if (code == MDB_NOTFOUND)
    code = mdb_cursor_get(cursor.get(), &key, &value, MDB_LAST);
  else if (code == 0 && number_of(key) != index.value)
    code = mdb_cursor_get(cursor.get(), &key, &value, MDB_PREV);
  if (code == 0)
    code = read(key, value, to);
  if (code == 0 && last_of(to).index < index)
    return record_damaged;
  return code;
}

int LogChange::put(const Holes& holes) {
  place_.index = holes.first.value;
  NumberKey number(holes.first.value);
  MDB_val key = number.val();
  const std::vector<std::uint8_t> record = write_holes(holes);
  MDB_val value = to_val(record);
  return mdb_put(transaction_, table_, &key, &value, 0);
}

int LogChange::del(Index index) {
  place_.index = index.value;
  NumberKey number(index.value);
  MDB_val key = number.val();
  return mdb_del(transaction_, table_, &key, nullptr);
}

// ---- the ends

int LogChange::restart(EntryId last) {
  place_.index.reset();
  if (const int code = mdb_drop(transaction_, table_, 0))
    return code;
  state_.before = tail_behind(peer_, last);
  state_.tail = state_.before;
  state_.holes = 0;
  return 0;
}

int LogChange::truncate_from(Index from) {
  TROUPE_ASSERT(from > state_.before.last.index);
  TROUPE_ASSERT(from <= next(state_.tail.last.index));
  if (from > state_.tail.last.index)
    return 0;
  StoredEntry last;
  while (state_.tail.last.index >= from) {
    if (const int code = read_at(MDB_LAST, last))
      return code;
    if (const int code = del(last.id.index))
      return code;
    state_.holes -= holes_in(last);
    if (last.id.index < from) {
      const Holes kept = split(last.holes, prev(from));
      if (const int code = put(kept))
        return code;
      state_.holes += kept.count();
      state_.tail = {.last = kept.last(), .chain = kept.chain};
      return 0;
    }
    // Its term and chain are those of the record before, and are read there.
    state_.tail.last.index = prev(last.id.index);
  }
  if (prev(from) == state_.before.last.index) {
    state_.tail = state_.before;
    return 0;
  }
  if (const int code = read_at(MDB_LAST, last))
    return code;
  if (last_of(last).index != prev(from))
    return record_damaged;
  state_.tail = {.last = last_of(last), .chain = last.chain};
  return 0;
}

int LogChange::append(const Entry& entry) {
  TROUPE_ASSERT(entry.id.index == next(state_.tail.last.index));
  TROUPE_ASSERT(entry.id.term >= state_.tail.last.term);
  place_.index = entry.id.index.value;
  NumberKey number(entry.id.index.value);
  MDB_val key = number.val();
  MDB_val value{record_size(entry), nullptr};
  // Reserved and filled in place; appended, so that pages fill up instead of being split.
  if (const int code = mdb_put(transaction_, table_, &key, &value, MDB_RESERVE | MDB_APPEND))
    return code;
  write_record(entry, state_.tail, {static_cast<std::uint8_t*>(value.mv_data), value.mv_size});
  return 0;
}

int LogChange::cut_before(Index first) {
  TROUPE_ASSERT(first <= next(state_.tail.last.index));
  StoredEntry record;
  while (next(state_.before.last.index) < first) {
    if (const int code = read_at(MDB_FIRST, record))
      return code;
    if (record.id.index != next(state_.before.last.index))
      return record_damaged;
    if (const int code = del(record.id.index))
      return code;
    state_.holes -= holes_in(record);
    if (last_of(record).index < first) {
      state_.before = {.last = last_of(record), .chain = record.chain};
      continue;
    }
    const Holes gone = split(record.holes, prev(first));
    state_.before = {.last = gone.last(), .chain = gone.chain};
    state_.holes += record.holes.count();
    return put(record.holes);
  }
  return 0;
}

// ---- holes

/// The holes that one at `first` goes on, taken out of the table; none if there is an entry before
/// it, or nothing.
int LogChange::begin_holes(Index first, Holes& to) {
  to = {.first = first, .terms = {}, .before = state_.before.chain, .chain = {}};
  if (prev(first) == state_.before.last.index)
    return 0;
  StoredEntry previous;
  if (const int code = find(prev(first), previous))
    return code;
  to.before = previous.chain;
  if (!is_hole(previous))
    return 0;
  to = std::move(previous.holes);
  return del(to.first);
}

/// Appends the holes that stand in `entries` from `at` on, and moves `at` behind them.
int LogChange::append_holes(const std::vector<Entry>& entries, std::size_t& at) {
  Holes holes;
  if (const int code = begin_holes(entries[at].id.index, holes))
    return code;
  for (; at < entries.size() && entries[at].kind == EntryKind::released; ++at) {
    const EntryId id = entries[at].id;
    TROUPE_ASSERT(id.index == next(state_.tail.last.index));
    TROUPE_ASSERT(id.term >= state_.tail.last.term);
    const Chain chain = chain_of_hole(id, state_.tail.chain);
    if (!extend(holes, id.term, chain)) {
      if (const int code = put(holes))
        return code;
      holes = {.first = id.index, .terms = {}, .before = state_.tail.chain, .chain = {}};
      extend(holes, id.term, chain);
    }
    state_.tail = {.last = id, .chain = chain};
    ++state_.holes;
  }
  return put(holes);
}

/// Makes holes of entries, those side by side at one go.
int LogChange::release(const std::vector<Index>& released) {
  for (std::size_t at = 0; at < released.size();) {
    const std::size_t first = at++;
    while (at < released.size() && released[at] == next(released[at - 1]))
      ++at;
    if (const int code = release_range(released[first], released[at - 1]))
      return code;
  }
  return 0;
}

int LogChange::release_range(Index first, Index last) {
  TROUPE_ASSERT(first > state_.before.last.index);
  TROUPE_ASSERT(last <= state_.tail.last.index);
  StoredEntry record;
  if (const int code = find(first, record))
    return code;
  // What is a hole already stays in its record.
  Holes holes;
  if (const int code = begin_holes(record.id.index, holes))
    return code;
  Index behind = record.id.index;
  // One more than asked for: holes that follow become one record with these.
  for (; behind <= next(last) && behind <= state_.tail.last.index;
       behind = next(last_of(record).index)) {
    if (const int code = find(behind, record))
      return code;
    if (!is_hole(record) && behind > last)
      break;
    if (const int code = del(record.id.index))
      return code;
    if (!is_hole(record)) {
      record.holes = one_hole(record, holes.terms.empty() ? holes.before : holes.chain);
      ++state_.holes;
    }
    if (holes.terms.empty()) {
      holes = record.holes;
    } else if (!extend(holes, record.holes)) {
      if (const int code = put(holes))
        return code;
      holes = record.holes;
    }
  }
  return put(holes);
}

}  // namespace troupe::storage
