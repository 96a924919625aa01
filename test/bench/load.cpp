#include "test/bench/load.hpp"

#include "actors/client/client.hpp"
#include "actors/runtime/caf.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "wire/command.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <utility>

namespace bench {
namespace {

using troupe::Bytes;
using troupe::Refusal;
namespace kv_store = troupe::resources::kv_store;

/// Longer than any election or stall that is measured.
constexpr auto call_timeout = std::chrono::seconds(10);

/// The threads of all clients.
struct Threads {
  struct Config : caf::actor_system_config {
    Config() {
      troupe::actors::configure(*this);
      set("scheduler.max-threads", std::size_t{1});
    }
  };
  Config config{};
  caf::actor_system system{config};
};

}  // namespace

std::string key_of(std::uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "key%012llu", static_cast<unsigned long long>(number));
  return text;
}

struct Load::Parts {
  struct Lane;
  /// One call at a time.
  struct Slot {
    Lane* lane = nullptr;
    std::uint64_t key = 0;
    bool is_write = true;
    Clock::time_point since{};
  };
  /// One client. Its callbacks come from one thread at a time.
  struct Lane {
    Parts* parts = nullptr;
    std::unique_ptr<troupe::actors::Client> client{};
    std::vector<Slot> slots{};
    std::uint64_t chance = 0;
    std::mutex mutex{};
    Histogram times{};
  };

  explicit Parts(LoadOptions given) : options(std::move(given)) {
    options.clients = std::clamp<std::size_t>(options.clients, 1, options.in_flight);
    for (std::size_t i = 0; i < options.clients; ++i) {
      auto& lane = lanes.emplace_back(std::make_unique<Lane>());
      lane->parts = this;
      lane->chance = 0x9E3779B97F4A7C15ULL * (i + 1);
      lane->client = make_client();
      lane->client->use_cluster(options.peers);
      lane->slots.resize((options.in_flight + i) / options.clients, Slot{.lane = lane.get()});
    }
  }

  std::unique_ptr<troupe::actors::Client> make_client() {
    const troupe::actors::ClientOptions client_options{.timeout = call_timeout};
    if (options.embedded_in != nullptr)
      return std::make_unique<troupe::actors::Client>(*options.embedded_in, client_options);
    return std::make_unique<troupe::actors::Client>(threads.system, client_options);
  }

  /// False if all calls have been made. From the lane's own thread, or before it has calls.
  bool choose(Slot& slot) {
    const std::uint64_t number = begun++;
    if (ending || (options.calls_max != 0 && number >= options.calls_max))
      return false;
    std::uint64_t& x = slot.lane->chance;
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
    slot.key = (options.keys_in_turn ? number : x >> 16U) % options.keys;
    slot.is_write = options.writes_percent >= 100 || x % 100 < options.writes_percent;
    slot.since = Clock::now();
    return true;
  }

  void send(Slot& slot) {
    const auto answer = [slot = &slot](const troupe::wire::CallReply& reply) {
      slot->lane->parts->on_reply(*slot, reply.refusal);
    };
    troupe::actors::Client& client = *slot.lane->client;
    const std::string key = key_of(slot.key);
    if (slot.is_write)
      client.write(troupe::wire::encode_command(troupe::machine::bytes(kv_store::set(key, value))),
                   answer);
    else
      client.read(Bytes::copy_of(kv_store::get(key)), answer, options.level);
  }

  void on_reply(Slot& slot, Refusal refusal) {
    // A key that was never written is an answer as good as any.
    if (refusal != Refusal::none && refusal != Refusal::resource) {
      ++failed;
      if (!ending)
        return send(slot);
      return end_one();
    }
    const auto now = Clock::now();
    {
      const std::lock_guard lock(slot.lane->mutex);
      slot.lane->times.add(static_cast<std::uint64_t>((now - slot.since).count()));
    }
    ++answered;
    note_pause(now, *slot.lane->client);
    if (choose(slot))
      send(slot);
    else
      end_one();
  }

  void note_pause(Clock::time_point now, const troupe::actors::Client& client) {
    const std::lock_guard lock(pause_mutex);
    if (last != Clock::time_point{} && now - last > pause.to - pause.from)
      pause = {.from = last, .to = now};
    last = now;
    if (predecessor.empty() || client.leader() == predecessor)
      return;
    succession = Succession{.pause = pause, .at = now};
    predecessor.clear();
  }

  void end_one() {
    const std::lock_guard lock(mutex);
    --under_way;
    // Under the lock: who waits may destroy us as soon as it sees that nothing is under way.
    changed.notify_all();
  }

  LoadOptions options;
  std::string value = std::string(options.value_bytes, 'v');
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<bool> ending{false};
  std::mutex pause_mutex{};
  Clock::time_point last{};
  Pause pause{};
  std::string predecessor{};  ///< Empty once another one has answered.
  std::optional<Succession> succession{};
  std::mutex mutex{};
  std::condition_variable changed{};
  std::size_t under_way = 0;
  Threads threads{};
  std::vector<std::unique_ptr<Lane>> lanes{};
};

Load::Load(LoadOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

Load::~Load() {
  stop();
}

void Load::start() {
  std::vector<Parts::Slot*> chosen;
  for (auto& lane : parts_->lanes)
    for (Parts::Slot& slot : lane->slots)
      if (parts_->choose(slot))
        chosen.push_back(&slot);
  {
    const std::lock_guard lock(parts_->mutex);
    parts_->under_way = chosen.size();
  }
  for (Parts::Slot* slot : chosen)
    parts_->send(*slot);
}

void Load::stop() {
  parts_->ending = true;
  wait();
}

void Load::wait() {
  std::unique_lock lock(parts_->mutex);
  parts_->changed.wait(lock, [&] { return parts_->under_way == 0; });
}

Histogram Load::take() {
  Histogram sum;
  for (auto& lane : parts_->lanes) {
    const std::lock_guard lock(lane->mutex);
    sum.add(std::exchange(lane->times, {}));
  }
  return sum;
}

Pause Load::take_pause() {
  const std::lock_guard lock(parts_->pause_mutex);
  return std::exchange(parts_->pause, {});
}

void Load::expect_successor(std::string leader) {
  const std::lock_guard lock(parts_->pause_mutex);
  parts_->pause = {};
  // One that began before is not of interest, and must not hide those that follow.
  parts_->last = Clock::now();
  parts_->predecessor = std::move(leader);
  parts_->succession.reset();
}

std::optional<Succession> Load::succession() const {
  const std::lock_guard lock(parts_->pause_mutex);
  return parts_->succession;
}

Clock::time_point Load::last_answer() const {
  const std::lock_guard lock(parts_->pause_mutex);
  return parts_->last;
}

std::uint64_t Load::answered() const {
  return parts_->answered;
}

std::uint64_t Load::failed() const {
  return parts_->failed;
}

}  // namespace bench
