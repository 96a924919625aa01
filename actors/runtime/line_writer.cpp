#include "actors/runtime/line_writer.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace troupe::actors {

namespace {

/// Writes of at most this many bytes to a pipe are never mixed with those of other processes.
constexpr std::size_t batch_bytes_max = PIPE_BUF;

/// Blocks as long as the descriptor takes nothing. False if it never will.
bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t taken = ::write(fd, text.data(), text.size());
    if (taken >= 0) {
      text.remove_prefix(static_cast<std::size_t>(taken));
    } else if (errno == EAGAIN) {
      // Another process has made it non-blocking.
      pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
      static_cast<void>(::poll(&waiting, 1, -1));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

/// A thread that gets no signal: they are for the threads of the program.
template <class Function>
void start_thread(Function function) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(std::move(function)).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

struct LineWriter::Shared {
  explicit Shared(Options given) : options(std::move(given)) {}

  const Options options;
  const pid_t process = ::getpid();
  std::mutex mutex{};
  std::condition_variable changed{};  ///< For the thread.
  std::condition_variable written{};  ///< For those who flush.
  std::deque<std::string> queue{};
  std::size_t queued_bytes = 0;
  std::uint64_t dropped = 0;       ///< Since the writer was made...
  std::uint64_t dropped_told = 0;  ///< ...of which so many were told.
  std::optional<Clock::time_point> due_at{};
  bool started = false;
  bool writing = false;
  bool ended = false;

  bool is_idle() const { return queue.empty() && !writing; }

  /// With the mutex held.
  bool add(std::string line) {
    if (queued_bytes + line.size() > options.queued_bytes_max) {
      ++dropped;
      return false;
    }
    queued_bytes += line.size();
    queue.push_back(std::move(line));
    return true;
  }

  void add_due(Clock::time_point now) {
    due_at.reset();
    if (options.due)
      for (std::string& line : options.due(now))
        add(std::move(line));
  }

  /// The next lines, as many as make one write, and how many they are.
  std::pair<std::string, std::uint64_t> take_batch() {
    std::pair<std::string, std::uint64_t> batch;
    auto& [text, lines] = batch;
    while (!queue.empty()
           && (text.empty() || text.size() + queue.front().size() <= batch_bytes_max)) {
      queued_bytes -= queue.front().size();
      text += queue.front();
      queue.pop_front();
      ++lines;
    }
    return batch;
  }

  void run() {
    std::unique_lock lock(mutex);
    // Behind the end the number of the descriptor may be another's.
    while (!ended) {
      if (due_at && *due_at <= Clock::now()) {
        add_due(Clock::now());
      } else if (!queue.empty()) {
        write_some(lock);
      } else if (due_at) {
        const Clock::time_point until = *due_at;
        changed.wait_until(lock, until);
      } else {
        changed.wait(lock);
      }
    }
  }

  void write_some(std::unique_lock<std::mutex>& lock) {
    auto [text, lines] = take_batch();
    writing = true;
    if (write_unlocked(lock, text))
      tell_dropped(lock);
    else
      dropped += lines;
    writing = false;
    if (is_idle())
      written.notify_all();
  }

  /// The descriptor takes lines again. More may be dropped while this is written.
  void tell_dropped(std::unique_lock<std::mutex>& lock) {
    while (options.about_dropped && dropped > dropped_told) {
      const std::uint64_t told = dropped;
      if (!write_unlocked(lock, options.about_dropped(told - dropped_told)))
        return;
      dropped_told = told;
    }
  }

  bool write_unlocked(std::unique_lock<std::mutex>& lock, std::string_view text) const {
    lock.unlock();
    const bool taken = write_all(options.fd, text);
    lock.lock();
    return taken;
  }
};

LineWriter::LineWriter(Options options) : shared_(std::make_shared<Shared>(std::move(options))) {}

LineWriter::~LineWriter() {
  flush(last_lines_patience);
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->changed.notify_all();
}

bool LineWriter::write(std::string line) {
  const std::lock_guard lock(shared_->mutex);
  if (!std::exchange(shared_->started, true))
    start_thread([shared = shared_] { shared->run(); });
  const bool queued = shared_->add(std::move(line));
  shared_->changed.notify_one();
  return queued;
}

void LineWriter::write_at(Clock::time_point when) {
  const std::lock_guard lock(shared_->mutex);
  if (shared_->due_at && *shared_->due_at <= when)
    return;
  shared_->due_at = when;
  shared_->changed.notify_one();
}

bool LineWriter::flush(std::chrono::milliseconds patience) {
  // A child that was forked has no such thread, and perhaps a mutex that nobody ever unlocks.
  if (::getpid() != shared_->process)
    return true;
  std::unique_lock lock(shared_->mutex);
  if (!shared_->started)
    return true;
  shared_->add_due(Clock::time_point::max());
  shared_->changed.notify_one();
  return shared_->written.wait_for(lock, patience, [this] { return shared_->is_idle(); });
}

std::uint64_t LineWriter::dropped() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

void print_line(std::string_view text) {
  // Never destroyed: the thread may be blocked in it when the process exits.
  static LineWriter* const writer = [] {
    static LineWriter* made = new LineWriter({.fd = STDOUT_FILENO});
    std::atexit([] { made->flush(last_lines_patience); });
    return made;
  }();
  writer->write(std::string(text) + "\n");
}

}  // namespace troupe::actors
