// `troupe_torture_client --name NUMBER --workers N --seed S --pause-us N PEER...`: writes and reads
// of every level, one after the other for each worker, at the peers "name@host:port" that the
// arguments name, until its input ends. Then every key that was used is read once more. Prints what
// it did and what it was told, one record a line; see history.hpp.

#include "actors/client/client.hpp"

#include "actors/runtime/address.hpp"
#include "actors/runtime/caf.hpp"
#include "core/random.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "test/torture/history.hpp"
#include "wire/command.hpp"

#include <atomic>
#include <charconv>
#include <chrono>
#include <deque>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace troupe;
using namespace troupe::torture;

namespace {

namespace kv_store = resources::kv_store;
using Action = sim::KvOperation::Action;

/// Few enough that clients meet at each, and left behind after a while: a search through the
/// history of one key takes the longer the longer that is.
constexpr std::uint64_t keys_at_once = 6;
constexpr Duration keys_change_after = std::chrono::seconds(5);

constexpr Duration call_timeout = std::chrono::milliseconds(1500);
constexpr int last_reads_max = 100;

struct Settings {
  std::uint64_t name = 0;
  std::uint64_t workers = 1;
  std::uint64_t seed = 1;
  std::uint64_t pause_us = 1000;
  std::vector<std::string> peers{};
};

Time now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

std::mutex output_mutex;
std::atomic<bool> ending{false};
std::atomic<std::uint64_t> keys_used{keys_at_once};

void print(const Record& record) {
  const std::string line = to_line(record) + "\n";
  const std::lock_guard lock(output_mutex);
  std::cout << line << std::flush;
}

/// One session's operations, each after the other.
class Worker {
public:
  Worker(caf::actor_system& system, const Settings& settings, std::uint64_t number)
      : client_(system, {.timeout = call_timeout}),
        settings_(settings),
        number_(settings.name * 1000 + number),
        random_(settings.seed * 1000 + number_) {
    client_.use_cluster(settings.peers);
  }

  void run(std::uint64_t number) {
    const Time started = now();
    while (!ending) {
      const auto epoch = static_cast<std::uint64_t>((now() - started) / keys_change_after);
      const std::uint64_t key = epoch * keys_at_once + random_.below(keys_at_once);
      keys_used = std::max(keys_used.load(), (epoch + 1) * keys_at_once);
      if (random_.below(2) == 0)
        write(key);
      else
        (void)read(key, static_cast<ReadLevel>(random_.below(3)), random_.below(2) == 0);
      std::this_thread::sleep_for(std::chrono::microseconds(settings_.pause_us));
    }
    // What is left of all of it, when nothing is in the way any more.
    for (std::uint64_t key = number; key < keys_used; key += settings_.workers)
      for (int i = 0; i < last_reads_max && !read(key, ReadLevel::linearizable, false); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }

private:
  Record begin(std::uint64_t key, Action action) const {
    Record record;
    record.operation.client = number_;
    record.operation.key = key;
    record.operation.action = action;
    record.operation.interval.called = now();
    return record;
  }

  void write(std::uint64_t key) {
    Record record = begin(key, random_.below(5) == 0 ? Action::remove : Action::set);
    const std::string name = "k" + std::to_string(key);
    std::string command = kv_store::erase(name);
    if (record.operation.action == Action::set) {
      record.operation.value = number_ << 32 | ++values_;
      command = kv_store::set(name, std::to_string(record.operation.value));
    }
    const wire::CallReply reply = client_.write(wire::encode_command(bytes_of(command))).get();
    switch (reply.refusal) {
      case Refusal::none:
      case Refusal::resource:
        record.operation.interval.returned = now();
        record.operation.told =
            record.operation.action == Action::remove && reply.refusal == Refusal::none ? 1 : 0;
        record.index = reply.index;
        break;
      case Refusal::unknown_outcome:
      case Refusal::timeout:
      case Refusal::disk_failed:
        break;  // In doubt.
      default:
        return;  // It never happened.
    }
    print(record);
  }

  bool read(std::uint64_t key, ReadLevel level, bool of_one_peer) {
    Record record = begin(key, Action::get);
    record.level = level;
    const Bytes question = Bytes::copy_of(kv_store::get("k" + std::to_string(key)));
    const wire::CallReply reply =
        of_one_peer ? ask_any_peer(question, level) : client_.read(question, level).get();
    if (reply.refusal != Refusal::none && reply.refusal != Refusal::resource)
      return false;
    record.operation.interval.returned = now();
    record.index = reply.index;
    if (reply.refusal == Refusal::none) {
      const std::string_view told = reply.value.text();
      std::from_chars(told.data(), told.data() + told.size(), record.operation.told);
    }
    print(record);
    return true;
  }

  /// Any of them: followers serve reads, too.
  wire::CallReply ask_any_peer(const Bytes& question, ReadLevel level) {
    const std::string& any = settings_.peers[random_.below(settings_.peers.size())];
    const auto peer = actors::parse_full_name(any);
    return client_
        .call(peer->address, peer->name, wire::CallKind::query, question, call_timeout, level)
        .get();
  }

  static std::span<const std::uint8_t> bytes_of(const std::string& text) {
    return machine::bytes(text);
  }

  actors::Client client_;
  const Settings& settings_;
  const std::uint64_t number_;
  Random random_;
  std::uint64_t values_ = 0;
};

bool parse(int argc, char** argv, Settings& settings) {
  const std::map<std::string_view, std::uint64_t*> numbers = {{"--name", &settings.name},
                                                              {"--workers", &settings.workers},
                                                              {"--seed", &settings.seed},
                                                              {"--pause-us", &settings.pause_us}};
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (const auto option = numbers.find(argument); option != numbers.end()) {
      if (++i == argc)
        return false;
      const std::string_view text = argv[i];
      const auto read = std::from_chars(text.data(), text.data() + text.size(), *option->second);
      if (read.ec != std::errc{} || read.ptr != text.data() + text.size())
        return false;
    } else if (actors::parse_full_name(argument)) {
      settings.peers.emplace_back(argument);
    } else {
      return false;
    }
  }
  return !settings.peers.empty() && settings.workers > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  if (!parse(argc, argv, settings)) {
    std::cerr << "usage: troupe_torture_client [--name N] [--workers N] [--seed N] [--pause-us N] "
                 "NAME@HOST:PORT...\n";
    return 2;
  }
  caf::actor_system_config config;
  actors::configure(config);
  caf::actor_system system(config);
  {
    std::deque<Worker> workers;  // They stay where they are.
    for (std::uint64_t i = 0; i < settings.workers; ++i)
      workers.emplace_back(system, settings, i);
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < settings.workers; ++i)
      threads.emplace_back([&workers, i] { workers[i].run(i); });
    while (std::cin.get() != std::char_traits<char>::eof()) {}
    ending = true;
    for (std::thread& thread : threads)
      thread.join();
  }
  return 0;
}
