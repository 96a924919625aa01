#include "actors/runtime/logger.hpp"

#include "actors/runtime/line_writer.hpp"
#include "actors/runtime/log_limit.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;
using namespace troupe::actors;

namespace {

struct Pipe {
  std::array<int, 2> ends{};

  Pipe() {
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }

  /// What can be read by now, or soon.
  std::string read() const {
    pollfd waiting{.fd = ends[0], .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 10) <= 0)
      return {};
    std::array<char, 4096> part{};
    const ssize_t size = ::read(ends[0], part.data(), part.size());
    REQUIRE(size > 0);
    return {part.data(), static_cast<std::size_t>(size)};
  }
  /// Reads until the text has been seen.
  std::string read_until(std::string_view text) const {
    std::string all;
    for (int i = 0; i < 2000 && all.find(text) == std::string::npos; ++i)
      all += read();
    CHECK(all.find(text) != std::string::npos);
    return all;
  }
  /// Reads until all is written.
  std::string read_all(LineWriter& writer) const {
    std::string all;
    while (!writer.flush(1ms))
      all += read();
    return all + read();
  }
};

std::string about_dropped(std::uint64_t count) {
  return "dropped " + std::to_string(count) + ".\n";
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0, to = 0; (to = text.find('\n', from)) != std::string::npos;
       from = to + 1)
    lines.push_back(text.substr(from, to - from));
  return lines;
}

/// Of so many letters, and its end.
std::string line_of(std::size_t letters) {
  std::string line(letters, 'a');
  line += '\n';
  return line;
}

const LogLimit::Time start{};

TEST_CASE("who writes lines never waits for whoever should read them") {
  Pipe pipe;
  LineWriter writer(
      {.fd = pipe.ends[1], .queued_bytes_max = 10'000, .about_dropped = about_dropped});
  constexpr std::size_t count = 1000;
  std::vector<std::string> queued;  // With gaps: the thread makes place between two lines.

  for (std::size_t i = 0; i < count; ++i) {
    const std::string line = "line " + std::to_string(i) + ".";
    if (writer.write(line + line_of(90)))
      queued.push_back(line);
  }

  // The pipe holds 4 KiB, the queue 10 KB, and the thread what it is about to write.
  CHECK(queued.size() < 250);
  CHECK(writer.dropped() == count - queued.size());
  CHECK_FALSE(writer.flush(1ms));

  const auto lines = lines_of(pipe.read_all(writer));
  std::vector<std::string> written;
  for (const std::string& line : lines)
    if (line.starts_with("line "))
      written.push_back(line.substr(0, line.find('.') + 1));
  CHECK(written == queued);
}

TEST_CASE("what was dropped is counted, and all that was queued is written in order") {
  Pipe pipe;
  std::size_t queued = 0;
  std::string text;
  {
    LineWriter writer(
        {.fd = pipe.ends[1], .queued_bytes_max = 8'000, .about_dropped = about_dropped});
    for (std::size_t i = 0; i < 500; ++i)
      if (writer.write(line_of(99)))
        ++queued;
    text = pipe.read_all(writer);
    CHECK(writer.write("end\n"));
    text += pipe.read_until("end\n");
  }
  const auto lines = lines_of(text);
  std::size_t written = 0;
  std::size_t dropped = 0;  // In one line or more: the thread may write while lines are dropped.
  for (const std::string& line : lines) {
    if (line == std::string(99, 'a'))
      ++written;
    if (line.starts_with("dropped "))
      dropped += std::stoul(line.substr(std::string("dropped ").size()));
  }
  CHECK(written == queued);
  CHECK(dropped == 500 - queued);
}

TEST_CASE("a writer ends although nobody ever reads what it writes") {
  Pipe pipe;
  {
    LineWriter writer({.fd = pipe.ends[1]});
    for (int i = 0; i < 100; ++i)
      writer.write(line_of(999));
  }
  // The flags of the pipe are as they were: other processes may write to it, too.
  CHECK((::fcntl(pipe.ends[1], F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("lines reach a pipe that somebody else made non-blocking") {
  Pipe pipe;
  REQUIRE(::fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK) == 0);
  LineWriter writer({.fd = pipe.ends[1]});
  for (int i = 0; i < 100; ++i)
    CHECK(writer.write(line_of(999)));
  CHECK(writer.write("end\n"));
  CHECK(lines_of(pipe.read_until("end\n")).size() == 101);
}

TEST_CASE("lines for a pipe whose reader is gone are dropped, and do no harm") {
  Pipe pipe;
  ::close(pipe.ends[0]);
  LineWriter writer({.fd = pipe.ends[1], .about_dropped = about_dropped});
  for (int i = 0; i < 100; ++i)
    CHECK(writer.write("line\n"));
  CHECK(writer.flush(20s));
  CHECK(writer.dropped() == 100);
  pipe.ends[0] = ::dup(pipe.ends[1]);
}

TEST_CASE("lines that are due at a time are written then, without another line") {
  Pipe pipe;
  LineWriter writer({.fd = pipe.ends[1], .due = [](LineWriter::Clock::time_point) {
                       return std::vector<std::string>{"due\n"};
                     }});
  CHECK(writer.write("first\n"));
  writer.write_at(LineWriter::Clock::now() + 1ms);
  CHECK(pipe.read_until("due\n") == "first\ndue\n");
}

TEST_CASE("of an event ten lines a second are written, and the others counted") {
  LogLimit limit;
  const auto admitted = [&](std::string_view event, LogLimit::Time now, int lines) {
    int count = 0;
    for (int i = 0; i < lines; ++i)
      count += limit.admit(event, now) ? 1 : 0;
    return count;
  };
  CHECK(admitted("noise", start, 1000) == 10);
  CHECK(admitted("role", start, 3) == 3);
  CHECK(admitted("noise", start + 999ms, 5) == 0);
  CHECK(limit.deadline() == start + 1s);
  CHECK(limit.take(start + 999ms).empty());

  const auto told = limit.take(start + 1s);
  REQUIRE(told.size() == 1);
  CHECK(told[0].event == "noise");
  CHECK(told[0].lines == 995);
  CHECK_FALSE(limit.deadline());
  CHECK(admitted("noise", start + 1s, 1000) == 10);
}

TEST_CASE("a count is told in time, however long an event goes on") {
  LogLimit limit;
  std::uint64_t told = 0;
  for (auto now = start; now < start + 10s; now += 10ms) {
    (void)limit.admit("noise", now);
    for (const auto& each : limit.take(now))
      told += each.lines;
  }
  CHECK(told >= 800);
}

TEST_CASE("events beyond those that are told apart share a limit") {
  LogLimit limit;
  int admitted = 0;
  for (std::size_t i = 0; i < LogLimit::events_max + 1000; ++i)
    admitted += limit.admit("event" + std::to_string(i), start) ? 1 : 0;
  CHECK(admitted == static_cast<int>(LogLimit::events_max) + 10);
}

TEST_CASE("text from outside is clipped, and only printable ASCII enters the log") {
  const std::string line = log_text("refused", {{"why", std::string(10'000, 'a')}});
  CHECK(line == "why=" + std::string(61, 'a') + "... event=refused");
  CHECK(log_text("refused", {{"why", std::string(64, 'a')}})
        == "why=" + std::string(64, 'a') + " event=refused");
  CHECK(log_text("refused", {{"why",
                              "\xc2\x9b"
                              "31m"}})
        == "why=\"\\xc2\\x9b31m\" event=refused");
  CHECK(log_text("failed", {LogField::own("error", std::string(10'000, 'a'))}).size()
        == std::string_view("error= event=failed").size() + own_text_bytes_max);
}

}  // namespace
