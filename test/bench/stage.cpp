#include "test/bench/stage.hpp"

#include "actors/runtime/logger.hpp"
#include "resources/kv_store/kv_store.hpp"
#include "shell/node_command.hpp"
#include "storage/directory.hpp"
#include "storage/memory_store.hpp"

#include <CLI/CLI.hpp>
#include <stdlib.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <variant>

namespace bench {
namespace {

namespace fs = std::filesystem;

std::atomic<Stage*> present{nullptr};

troupe::machine::Kinds all_kinds() {
  return troupe::machine::kinds({troupe::resources::kv_store_kind()});
}

std::string new_directory(const std::string& parent) {
  std::string path = parent + "/troupe-bench-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr)
    throw std::runtime_error("cannot create " + path);
  return path;
}

/// A store that forgets when its process ends, which a benchmark never asks it about.
troupe::storage::Outcome<std::unique_ptr<troupe::storage::Store>> open_forgetful_store() {
  // For ever: one process may have several nodes, and they end when it does.
  auto* disk = new troupe::storage::MemoryDisk;
  return troupe::storage::open_memory_store(*disk);
}

void use_store(troupe::actors::NodeOptions& node, bool in_memory) {
  if (in_memory)
    node.open_store = open_forgetful_store;
}

}  // namespace

int run_node_process(int argc, char** argv) {
  troupe::shell::NodeSettings settings;
  settings.log_level = "warning";
  std::string counters;
  std::string store = "lmdb";
  unsigned flush_us = 0;
  CLI::App app("A node of a benchmark");
  troupe::shell::add_options(app, settings);
  app.add_option("--counters", counters, "where its counters are kept")->required();
  app.add_option("--store", store)->check(CLI::IsMember({"lmdb", "memory"}));
  app.add_option("--flush-us", flush_us);
  CLI11_PARSE(app, argc, argv);
  imitate_flushes(std::chrono::microseconds(flush_us));
  publish_counters(counters);
  use_store(settings.options, store == "memory");
  return troupe::shell::run_node(settings, all_kinds());
}

Stage::Stage(const Options& options, std::size_t nodes, std::vector<std::string> arguments)
    : options_(options),
      arguments_(std::move(arguments)),
      directory_(new_directory(options.directory)) {
  present = this;
  for (std::size_t i = 0; i < nodes; ++i)
    add_member(i, options.single_process || (options.embedded && i == 0));
  std::vector<std::string> peers;
  for (std::size_t i = 0; i < nodes; ++i) {
    start(i);
    peers.push_back("peer" + std::to_string(i + 1) + "@" + members_[i].address);
  }
  operator_ = std::make_unique<troupe::shell::Operator>(std::move(peers));
  for (std::size_t i = 0; i < nodes; ++i)
    operator_->wait_for_node(members_[i].address);
}

Stage::~Stage() {
  present = nullptr;
  for (Member& member : members_) {
    member.inside.reset();
    if (member.process)
      member.process->kill();
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void Stage::clear_away() {
  Stage* stage = present;
  if (stage == nullptr)
    return;
  for (Member& member : stage->members_)
    if (member.process)
      member.process->kill();
  std::error_code ignored;
  fs::remove_all(stage->directory_, ignored);
}

void Stage::add_member(std::size_t number, bool is_inside) {
  Member member{.name = "node" + std::to_string(number + 1),
                .address = troupe::shell::free_address()};
  member.directory = directory_ + "/" + member.name;
  if (const auto error = troupe::storage::create_private_directories(member.directory))
    throw std::runtime_error(error->text);
  if (!is_inside) {
    std::vector<std::string> command = {options_.program, "node", "--counters",
                                        member.directory + "/counters"};
    command.insert(command.end(), {"--log-level", options_.log_level});
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    if (options_.in_memory)
      command.insert(command.end(), {"--store", "memory"});
    if (options_.flush_us > 0)
      command.insert(command.end(), {"--flush-us", std::to_string(options_.flush_us)});
    member.process = std::make_unique<troupe::shell::NodeProcess>(std::move(command), member.name,
                                                                  member.address, member.directory);
  }
  members_.push_back(std::move(member));
}

void Stage::start_inside(Member& member) const {
  troupe::actors::set_log_level(troupe::actors::LogLevel::warning);
  troupe::actors::NodeOptions node;
  node.name = member.name;
  node.listen = member.address;
  node.directory = member.directory;
  node.kinds = all_kinds();
  use_store(node, options_.in_memory);
  auto started = troupe::actors::Node::start(std::move(node));
  if (!started)
    throw std::runtime_error(started.detail());
  member.inside = *std::move(started);
}

void Stage::bootstrap(troupe::shell::Operator::StartOptions options) {
  for (const std::string& option : options_.peer_options) {
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos)
      throw std::runtime_error(option + " is not NAME=VALUE");
    options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  operator_->bootstrap("kv_store", options);
  (void)operator_->leader();
  lead_from_inside();
}

void Stage::lead_from_inside() {
  if (options_.embedded)
    operator_->transfer_to(peers().front());
}

std::size_t Stage::leader() {
  const auto found = std::ranges::find(peers(), operator_->leader());
  if (found == peers().end())
    throw std::runtime_error("a stranger leads");
  return static_cast<std::size_t>(found - peers().begin());
}

void Stage::start(std::size_t number) {
  Member& member = members_[number];
  if (!member.process)
    return start_inside(member);
  member.process->start();
}

void Stage::stop(std::size_t number) {
  Member& member = members_[number];
  member.inside.reset();
  if (member.process && !member.process->stop())
    throw std::runtime_error(member.name + " did not stop");
}

void Stage::kill(std::size_t number) {
  members_[number].process->kill();
}

std::string Stage::log_of_member(std::size_t number) const {
  std::ifstream file(members_[number].directory + "/node.log");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool Stage::shares_our_process() const {
  return options_.single_process || options_.embedded;
}

const troupe::actors::Node* Stage::inside() const {
  for (const Member& member : members_)
    if (member.inside)
      return member.inside.get();
  return nullptr;
}

Usage Stage::usage_of_member(std::size_t number) const {
  const Member& member = members_[number];
  if (!member.process)
    return usage_of(::getpid(), &own_counters());
  const PublishedCounters counters(member.directory + "/counters");
  return usage_of(member.process->pid(), counters.get());
}

Usage Stage::usage() const {
  Usage sum;
  bool counted_ours = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const bool ours = !members_[i].process;
    if (!ours || !std::exchange(counted_ours, true))
      sum += usage_of_member(i);
  }
  return sum;
}

std::uint64_t Stage::disk_bytes(std::size_t number) const {
  std::uint64_t bytes = 0;
  std::error_code gone;
  for (auto it = fs::recursive_directory_iterator(members_[number].directory, gone);
       !gone && it != fs::recursive_directory_iterator(); it.increment(gone))
    if (it->is_regular_file(gone))
      bytes += it->file_size(gone);
  return bytes;
}

}  // namespace bench
