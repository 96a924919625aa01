/// What one entry costs in each of the loops that every entry goes through. 64 entries of 256 bytes
/// at a time, where nothing else is said; figures are for all of them, `items_per_second` for one.

#include "core/engine.hpp"
#include "machine/replicated_state.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "storage/lmdb/lmdb_store.hpp"
#include "storage/memory_store.hpp"
#include "wire/command.hpp"
#include "wire/packet.hpp"

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace bench {
namespace {

using namespace troupe;

constexpr std::size_t batch = 64;
constexpr ClusterId cluster{7};
constexpr PeerId one{1};
constexpr PeerId two{2};

std::string set_command(std::uint64_t number) {
  return resources::kv_store::set("key" + std::to_string(number % 10'000), std::string(256, 'v'));
}

std::vector<Bytes> commands(std::size_t count) {
  std::vector<Bytes> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(wire::encode_command(machine::bytes(set_command(i))));
  return all;
}

std::vector<Entry> entries_behind(EntryId last, std::size_t count) {
  std::vector<Entry> all;
  for (Bytes& command : commands(count)) {
    last.index = next(last.index);
    all.push_back({.id = last, .kind = EntryKind::command, .payload = std::move(command)});
  }
  return all;
}

Message append_request(EntryId previous, std::size_t count) {
  AppendRequest request{.previous = previous, .commit = previous.index};
  request.entries = entries_behind({.term = {1}, .index = previous.index}, count);
  return {.cluster = cluster, .from = one, .to = two, .term = {1}, .body = std::move(request)};
}

void count_items(benchmark::State& state, std::size_t each) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(each));
}

// ---- wire

void encode_append_request(benchmark::State& state) {
  const wire::Packet packet =
      wire::PeerMessages{{append_request({.term = {1}, .index = {9}}, batch)}};
  for ([[maybe_unused]] auto turn : state)
    benchmark::DoNotOptimize(wire::encode(packet));
  count_items(state, batch);
}
BENCHMARK(encode_append_request);

/// Checksum, verifier, and what the verifier does not know.
void verify_append_request(benchmark::State& state) {
  const wire::Frame frame =
      wire::encode(wire::PeerMessages{{append_request({.term = {1}, .index = {9}}, batch)}});
  const std::span stream(reinterpret_cast<const char*>(frame->data()), frame->size());
  for ([[maybe_unused]] auto turn : state) {
    wire::FrameCutter cutter;
    std::vector<Bytes> bodies;
    if (cutter.take(stream, bodies) || bodies.size() != 1 || !wire::decode(bodies.front()))
      state.SkipWithError("no packet");
  }
  count_items(state, batch);
}
BENCHMARK(verify_append_request);

void encode_one_command(benchmark::State& state) {
  const std::string command = set_command(1);
  for ([[maybe_unused]] auto turn : state)
    benchmark::DoNotOptimize(wire::encode_command(machine::bytes(command)));
  count_items(state, 1);
}
BENCHMARK(encode_one_command);

// ---- core

/// A voter of one, or a follower of `one`, whose log begins with its configuration.
Engine make_engine(PeerId self, const Configuration& configuration) {
  Recovered recovered{.hard_state = {.term = {1}, .voted_for = {}, .cluster = cluster}};
  recovered.entries.push_back({.id = {.term = {1}, .index = {1}},
                               .kind = EntryKind::configuration,
                               .payload = Bytes::copy_of(encode(configuration))});
  EngineOptions options{.self = self};
  options.snapshot_entries = 0;
  options.snapshot_bytes = 0;
  return {options, std::move(recovered), -options.election_timeout_min};
}

Configuration configuration_of(std::initializer_list<PeerId> peers) {
  Configuration configuration;
  for (const PeerId peer : peers)
    configuration.voters.push_back(
        {.id = peer, .name = "p" + std::to_string(peer.value), .address = {}});
  return configuration;
}

/// With a disk that is instant.
void settle(Engine& engine) {
  while (engine.has_output()) {
    Output output = engine.take_output();
    benchmark::DoNotOptimize(output);
    if (output.write)
      engine.step(Persisted{output.write->id});
  }
}

/// What is never cut stays in memory, so both run a bounded number of times.
constexpr std::int64_t turns = 3'000;

void append_as_leader(benchmark::State& state) {
  Engine engine = make_engine(one, configuration_of({one}));
  for (Time now{}; engine.role() != Role::leader; now += std::chrono::milliseconds(10)) {
    engine.step(Tick{now});
    settle(engine);
  }
  const std::vector<Bytes> payloads = commands(batch);
  for ([[maybe_unused]] auto turn : state) {
    if (!engine.propose(payloads))
      state.SkipWithError("refused");
    settle(engine);
  }
  count_items(state, batch);
}
BENCHMARK(append_as_leader)->Iterations(turns);

void step_as_follower(benchmark::State& state) {
  Engine engine = make_engine(two, configuration_of({one, two, {3}}));
  EntryId last{.term = {1}, .index = {1}};
  for ([[maybe_unused]] auto turn : state) {
    state.PauseTiming();
    Message request = append_request(last, batch);
    last.index.value += batch;
    state.ResumeTiming();
    engine.step(std::move(request));
    settle(engine);
  }
  if (engine.log().last() != last)
    state.SkipWithError("refused");
  count_items(state, batch);
}
BENCHMARK(step_as_follower)->Iterations(turns);

// ---- machine

void dispatch(benchmark::State& state) {
  machine::ReplicatedState replicated(resources::kv_store_kind().make);
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    all.push_back(set_command(i));
  for ([[maybe_unused]] auto turn : state) {
    const Index index = next(replicated.applied());
    benchmark::DoNotOptimize(
        replicated.apply({index, machine::bytes(all[index.value % all.size()])}));
  }
  count_items(state, 1);
}
BENCHMARK(dispatch);

// ---- storage

/// One transaction with `state.range(0)` entries; what is behind them is cut as it would be.
void write_to(storage::Store& store, benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  (void)store.put_peer({.id = one, .name = "p", .kind = "kv_store"});
  std::vector<Bytes> payloads = commands(count);
  EntryId last{.term = {1}};
  for ([[maybe_unused]] auto turn : state) {
    state.PauseTiming();
    Write write{.id = {}, .hard_state = {.term = {1}, .voted_for = {}, .cluster = cluster}};
    for (const Bytes& payload : payloads) {
      last.index = next(last.index);
      write.entries.push_back({.id = last, .kind = EntryKind::command, .payload = payload});
    }
    const storage::PeerWrite writes[] = {{one, std::move(write)}};
    state.ResumeTiming();
    if (const auto error = store.write(writes))
      state.SkipWithError(error->text.c_str());
  }
  count_items(state, count);
}

void write_lmdb(benchmark::State& state) {
  std::string directory = std::filesystem::temp_directory_path() / "troupe-bench-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr)
    return state.SkipWithError("no directory");
  {
    auto opened = storage::open_lmdb_store({.directory = directory});
    if (auto* store = std::get_if<std::unique_ptr<storage::Store>>(&opened))
      write_to(**store, state);
    else
      state.SkipWithError("no store");
  }
  std::filesystem::remove_all(directory);
}
BENCHMARK(write_lmdb)->Arg(1)->Arg(batch)->Arg(1000)->UseRealTime();

void write_memory(benchmark::State& state) {
  storage::MemoryDisk disk;
  write_to(*storage::open_memory_store(disk), state);
}
BENCHMARK(write_memory)->Arg(batch)->Iterations(turns);

}  // namespace
}  // namespace bench

BENCHMARK_MAIN();
