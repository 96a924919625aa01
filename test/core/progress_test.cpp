#include "core/progress.hpp"

#include <doctest/doctest.h>

namespace troupe::test {

namespace {

constexpr Progress::Window window{.bytes_max = 1000, .messages_max = 3};

/// At index 10 and replicating.
Progress replicating() {
  Progress progress(Index{11}, Time{});
  progress.accepted({}, {10}, {1});
  return progress;
}

}  // namespace

TEST_CASE("a probe is one message at a time") {
  Progress progress(Index{11}, Time{});
  CHECK(progress.pace() == Pace::probe);
  CHECK(progress.may_send(window));

  progress.sent_entries({12}, 100);

  CHECK(!progress.may_send(window));
  CHECK(progress.next() == Index{11});
}

TEST_CASE("an accepted probe turns into replication behind what was matched") {
  Progress progress(Index{11}, Time{});
  progress.sent_entries({12}, 100);

  CHECK(progress.accepted({}, {12}, {1}));

  CHECK(progress.pace() == Pace::replicate);
  CHECK(progress.match() == Index{12});
  CHECK(progress.next() == Index{13});
  CHECK(progress.may_send(window));
}

TEST_CASE("a rejected probe goes back to where the logs may agree, and at least by one") {
  Progress progress(Index{11}, Time{});
  progress.sent_entries({12}, 100);

  progress.rejected({10}, {4});
  CHECK(progress.next() == Index{5});
  CHECK(progress.may_send(window));
  // A hint that leads nowhere still makes progress.
  progress.rejected({4}, {100});
  CHECK(progress.next() == Index{4});
}

TEST_CASE("no number of rejections leads before the first entry") {
  Progress progress(Index{3}, Time{});

  for (std::uint64_t previous = 2; previous > 0; --previous)
    progress.rejected({previous}, {0});
  for (int again = 0; again < 10; ++again)
    progress.rejected({0}, {0});

  CHECK(progress.next() == Index{1});
}

TEST_CASE("a rejection of another probe than the last one changes nothing") {
  Progress progress(Index{11}, Time{});

  progress.rejected({7}, {3});

  CHECK(progress.next() == Index{11});
}

TEST_CASE("a rejection of what was accepted before changes nothing") {
  Progress progress = replicating();

  progress.rejected({10}, {3});
  progress.rejected({9}, {3});

  CHECK(progress.match() == Index{10});
  CHECK(progress.next() == Index{11});
  CHECK(progress.pace() == Pace::replicate);
}

TEST_CASE("replication runs ahead until the messages or the bytes of the window are used up") {
  Progress messages = replicating();
  messages.sent_entries({11}, 10);
  messages.sent_entries({12}, 10);
  CHECK(messages.may_send(window));
  messages.sent_entries({13}, 10);
  CHECK(!messages.may_send(window));

  Progress bytes = replicating();
  bytes.sent_entries({11}, 999);
  CHECK(bytes.may_send(window));
  bytes.sent_entries({12}, 1);
  CHECK(!bytes.may_send(window));
}

TEST_CASE("an acceptance frees the window of all messages that it covers") {
  Progress progress = replicating();
  progress.sent_entries({11}, 10);
  progress.sent_entries({13}, 20);
  progress.sent_entries({14}, 30);

  CHECK(progress.accepted({}, {13}, {1}));

  CHECK(progress.in_flight_bytes() == 30);
  CHECK(progress.match() == Index{13});
  CHECK(progress.next() == Index{15});
  CHECK(progress.may_send(window));
}

TEST_CASE("what is matched does not go back") {
  Progress progress = replicating();

  CHECK(!progress.accepted({}, {4}, {1}));

  CHECK(progress.match() == Index{10});
}

TEST_CASE("a rejection while replicating empties the window and probes again") {
  Progress progress = replicating();
  progress.sent_entries({11}, 10);
  progress.sent_entries({12}, 10);

  progress.rejected({11}, {10});

  CHECK(progress.pace() == Pace::probe);
  CHECK(progress.next() == Index{11});
  CHECK(progress.in_flight_bytes() == 0);
  CHECK(progress.may_send(window));
}

TEST_CASE("an answer is heard, and confirms a read once") {
  Progress progress(Index{1}, Time{5});
  CHECK(progress.heard_at() == Time{5});

  progress.heard(Time{9}, {3});
  progress.heard(Time{11}, {2});

  CHECK(progress.heard_at() == Time{11});
  CHECK(progress.read() == ReadId{3});
}

}  // namespace troupe::test
