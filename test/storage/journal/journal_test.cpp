#include "storage/journal/journal.hpp"

#include "core/random.hpp"
#include "storage/journal/journal_batch.hpp"
#include "test/storage/random_writes.hpp"
#include "test/storage/samples.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace troupe;
using namespace troupe::storage;

namespace {

constexpr std::uint64_t begin = 4096;
constexpr std::uint64_t sector = 512;
constexpr std::uint64_t small = 64 << 10;

/// A journal in a directory of its own, and what it gave back when it was opened.
struct Desk {
  TempDirectory directory{};
  std::vector<std::string> taken{};
  std::uint64_t size = small;

  Outcome<Journal> open(std::uint64_t applied = 0, std::uint64_t acknowledged = 0) {
    taken.clear();
    return Journal::open({.directory = directory.path(),
                          .bytes = size,
                          .applied = applied,
                          .acknowledged = acknowledged},
                         [this](Value value) -> Problem {
                           taken.emplace_back(value.begin(), value.end());
                           return std::nullopt;
                         });
  }
  Journal sound(std::uint64_t applied = 0, std::uint64_t acknowledged = 0) {
    auto opened = open(applied, acknowledged);
    if (const auto* error = std::get_if<StoreError>(&opened))
      FAIL(error->text);
    return std::move(std::get<Journal>(opened));
  }
  /// What is wrong; empty if nothing is.
  std::string problem(std::uint64_t applied = 0, std::uint64_t acknowledged = 0) {
    const auto opened = open(applied, acknowledged);
    const auto* error = std::get_if<StoreError>(&opened);
    return error == nullptr ? "" : error->text;
  }

  std::string path() const { return directory.path() + "/journal"; }
  std::string bytes() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void overwrite(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }
};

void append(Journal& journal, const std::string& text) {
  REQUIRE(!journal.append({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
}

}  // namespace

TEST_CASE("a journal gives back what was appended, in order, behind what is applied") {
  Desk desk;
  {
    Journal journal = desk.sound();
    CHECK(journal.last() == 0);
    append(journal, "one");
    append(journal, std::string(3000, '2'));
    append(journal, "");
    append(journal, "four");
    CHECK(journal.last() == 4);
  }
  CHECK(desk.sound().last() == 4);
  CHECK(desk.taken == std::vector<std::string>{"one", std::string(3000, '2'), "", "four"});

  Journal journal = desk.sound(0, 4);
  append(journal, "five");
  CHECK(desk.sound(0, 5).last() == 5);
  CHECK(desk.taken.size() == 5);
}

TEST_CASE("a journal that begins anew gives back nothing of what was there before") {
  Desk desk;
  Journal journal = desk.sound();
  for (int i = 0; i < 20; ++i)
    append(journal, std::string(700, 'a'));
  CHECK(desk.sound(20, 20).last() == 20);
  CHECK(desk.taken.empty());

  journal.restart();
  append(journal, "b");
  CHECK(desk.sound(20, 21).last() == 21);
  CHECK(desk.taken == std::vector<std::string>{"b"});
}

TEST_CASE("a record takes sectors of its own, and no more than there are in a half") {
  Desk desk;
  Journal journal = desk.sound();
  const std::uint64_t room = (small - begin) / 2;
  CHECK(journal.record_bytes_max() == room - 24);
  CHECK(journal.has_room(room - 24));
  CHECK_FALSE(journal.has_room(room - 23));
  append(journal, "x");
  CHECK(journal.has_room(room - sector - 24));
  CHECK_FALSE(journal.has_room(room - sector - 23));
}

TEST_CASE("a journal goes on in its other half, again and again, and is read in order") {
  Desk desk;
  Journal journal = desk.sound();
  const std::string text(3000, 'x');
  std::uint64_t applied = 0;  // By a store that gets a half when the next one begins.
  std::uint64_t begun = 0;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    if (!journal.has_room(text.size() + 3)) {
      CHECK(desk.sound(applied, number - 1).last() == number - 1);
      applied = begun;
      begun = number - 1;
      journal.turn();
    }
    append(journal, text + std::to_string(number));
    CHECK(desk.sound(applied, number).last() == number);
    REQUIRE(desk.taken.size() == number - applied);
    CHECK(desk.taken.front() == text + std::to_string(applied + 1));
    CHECK(desk.taken.back() == text + std::to_string(number));
    // The store may have the other half, too, and nobody knows.
    CHECK(desk.sound(begun, number).last() == number);
    CHECK(desk.taken.size() == number - begun);
  }
  CHECK(applied > 0);
}

TEST_CASE("what stands in the other half is missed when it is damaged") {
  Desk desk;
  {
    Journal journal = desk.sound();
    append(journal, "one");
    append(journal, "two");
    journal.turn();
    append(journal, "three");
    append(journal, "four");
  }
  const std::string sound = desk.bytes();
  const std::uint64_t middle = begin + (small - begin) / 2;
  const std::uint64_t places[] = {begin, begin + sector, middle, middle + sector};
  for (std::uint64_t number = 1; number <= 4; ++number) {
    std::string damaged = sound;
    damaged[places[number - 1] + 25] ^= 4;
    desk.overwrite(damaged);
    const std::string named = "record " + std::to_string(number) + ": is damaged or missing";
    CHECK(desk.problem(0, 4).find(named) != std::string::npos);
    CHECK((desk.problem(0, 0) == "") == (number == 4));
    CHECK((desk.problem(2, 3) == "") == (number != 3));
  }
}

TEST_CASE("what a client writes is not taken for a record") {
  Desk desk;
  std::string forged;
  {
    Journal journal = desk.sound();
    for (const char* text : {"one", "two", "three", "four", "five"})
      append(journal, text);
    forged = desk.bytes().substr(begin + 4 * sector, sector);
  }
  Desk other;
  Journal journal = other.sound();
  // At every place where a sector may begin stands the record of another journal.
  append(journal, std::string(sector - 24, 'x') + forged + forged);
  append(journal, "two");
  CHECK(other.sound(0, 2).last() == 2);
  CHECK(other.sound(2, 2).last() == 2);
  CHECK(other.problem(0, 0) == "");
}

/// To hash what each of them claims to be would take minutes, which nobody gives this program.
TEST_CASE("what looks like the heads of long records is not read as if it were") {
  Desk desk;
  desk.size = std::uint64_t{32} << 20;
  constexpr std::uint64_t number_and_size = std::uint64_t{8} << 20;
  std::string heads(std::size_t{15} << 20, '\0');
  for (std::size_t at = 0; at < heads.size(); at += sizeof(number_and_size))
    std::memcpy(heads.data() + at, &number_and_size, sizeof(number_and_size));
  {
    Journal journal = desk.sound();
    append(journal, heads);
    journal.turn();
    append(journal, heads);
  }
  for (int i = 0; i < 10; ++i)
    CHECK(desk.sound(0, 2).last() == 2);
}

TEST_CASE("of a last record that was torn nothing is left, and the next takes its place") {
  Desk desk;
  const std::string text(5 * sector, 'x');
  {
    Journal journal = desk.sound();
    append(journal, "first");
  }
  const std::string before = desk.bytes();
  {
    Journal journal = desk.sound();
    append(journal, text);
  }
  const std::string after = desk.bytes();
  const std::uint64_t at = begin + sector;
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    std::string torn = before;
    int whole = 0;
    for (std::uint64_t i = 0; i < 6; ++i)
      if (random.below(2) == 0) {
        torn.replace(at + i * sector, sector, after.substr(at + i * sector, sector));
        ++whole;
      }
    desk.overwrite(torn);
    CHECK(desk.sound(0, 1).last() == (whole == 6 ? 2 : 1));
    if (whole == 6)
      continue;
    Journal journal = desk.sound(0, 1);
    append(journal, "second");
    CHECK(desk.sound(0, 2).last() == 2);
    CHECK(desk.taken == std::vector<std::string>{"first", "second"});
  }
}

TEST_CASE("a record that is damaged where a later one stands, or was acknowledged, is an error") {
  Desk desk;
  {
    Journal journal = desk.sound();
    for (const char* text : {"one", "two", "three"})
      append(journal, text);
  }
  const std::string sound = desk.bytes();
  for (std::uint64_t number = 1; number <= 3; ++number) {
    for (const std::size_t byte : {0U, 8U, 16U, 25U}) {
      std::string damaged = sound;
      damaged[begin + (number - 1) * sector + byte] ^= 4;
      desk.overwrite(damaged);
      const std::string named = "record " + std::to_string(number) + ": is damaged or missing";
      CHECK(desk.problem(0, 3).find(named) != std::string::npos);
      // Without `ACKNOWLEDGED.journal`, damage of the last one cannot be told from a torn one.
      CHECK((desk.problem(0, 0) == "") == (number == 3));
      // What the store behind has nobody misses.
      CHECK(desk.problem(3, 3) == "");
    }
  }
}

TEST_CASE("a journal that is missing, cut, or of another format is an error") {
  Desk desk;
  {
    Journal journal = desk.sound();
    append(journal, "one");
  }
  const std::string sound = desk.bytes();
  desk.overwrite(sound.substr(0, sound.size() - 1));
  CHECK(desk.problem().find("checksum mismatch") != std::string::npos);
  desk.overwrite("");
  CHECK(desk.problem().find("is shorter than it was") != std::string::npos);
  std::string other = sound;
  other[3] ^= 1;
  desk.overwrite(other);
  CHECK(desk.problem().find("checksum mismatch") != std::string::npos);
  std::filesystem::remove(desk.path());
  CHECK(desk.problem(1, 0).find("is missing") != std::string::npos);
  CHECK(desk.problem(0, 1).find("is missing") != std::string::npos);
  CHECK(desk.problem() == "");
}

TEST_CASE("any writes come back from a journal's record as they were") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    RandomWrites random(seed);
    Recovered log;
    std::vector<PeerWrite> writes;
    for (std::uint64_t peer = 1; peer <= 3; ++peer) {
      writes.push_back({{peer}, random.next_of(log)});
      apply(writes.back().write, log);
    }
    BatchWriter writer;
    (void)writer.write({});
    std::vector<PeerWrite> read;
    REQUIRE(!read_batch(writer.write(writes), read));
    REQUIRE(read.size() == writes.size());
    for (std::size_t i = 0; i < writes.size(); ++i) {
      const Write& sent = writes[i].write;
      const Write& got = read[i].write;
      CHECK(read[i].peer == writes[i].peer);
      CHECK(got.hard_state == sent.hard_state);
      CHECK(got.snapshot == sent.snapshot);
      CHECK(got.restart == sent.restart);
      CHECK(got.truncate_from == sent.truncate_from);
      CHECK(got.entries == sent.entries);
      CHECK(got.released == sent.released);
      CHECK(got.cut_before == sent.cut_before);
    }
  }
}
