#pragma once

#include "actors/client/client.hpp"
#include "actors/node/node.hpp"
#include "test/actors/register_kind.hpp"
#include "wire/packet.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::actors::test {

using namespace std::chrono_literals;

/// Anything that must become true within it; much longer than it takes.
inline constexpr auto eventually_patience = 20s;

inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + eventually_patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::yield();
  }
  return true;
}

/// A directory that is gone with its scope.
struct Directory {
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "troupe-node-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }

  std::filesystem::path path{};
};

inline std::variant<std::unique_ptr<Node>, std::string> start_node(
    const std::string& name, const std::filesystem::path& directory,
    const std::string& listen = "127.0.0.1:0",
    machine::Kinds kinds = {{"register", test::register_kind()}}, const std::string& advertise = {},
    bool insecure = false, std::size_t peers_max = NodeOptions{}.peers_max) {
  NodeOptions options;
  options.peers_max = peers_max;
  options.name = name;
  options.listen = listen;
  options.advertise = advertise;
  options.insecure = insecure;
  options.directory = directory.string();
  options.kinds = std::move(kinds);
  auto started = Node::start(std::move(options));
  if (!started)
    return started.detail();
  return *std::move(started);
}

/// Nodes of this process, each with one peer of the same name: a, b, c...
struct Cluster {
  explicit Cluster(int size) {
    for (int i = 0; i < size; ++i) {
      names.push_back(std::string(1, static_cast<char>('a' + i)));
      addresses.emplace_back("127.0.0.1:0");
      nodes.emplace_back();
      start(static_cast<std::size_t>(i));
    }
  }

  void start(std::size_t i) {
    auto started = start_node(names[i], directory.path / names[i], addresses[i]);
    if (const auto* wrong = std::get_if<std::string>(&started))
      FAIL(*wrong);
    nodes[i] = std::get<std::unique_ptr<Node>>(std::move(started));
    addresses[i] = nodes[i]->address();
  }

  wire::Response ask(std::size_t i, decltype(wire::Request::body) body,
                     const std::optional<std::string>& peer = std::nullopt) {
    return client
        .request(addresses[i], {.id = 0, .peer = peer.value_or(names[i]), .body = std::move(body)},
                 eventually_patience)
        .get();
  }

  /// A peer on each node, all in one configuration.
  void found() {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      REQUIRE(ask(i, wire::StartPeer{.kind = "register", .options = {}}).refusal == Refusal::none);
    client.use_cluster(members());
    const auto response = ask(0, wire::SetConfiguration{members()});
    REQUIRE(response.refusal == Refusal::none);
    CHECK(std::get<Configuration>(response.body).voters.size() == nodes.size());
  }

  std::string full_name(std::size_t i) const { return names[i] + "@" + addresses[i]; }
  std::vector<std::string> members() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      all.push_back(full_name(i));
    return all;
  }

  /// The node whose peer leads, as its peer says itself.
  std::optional<std::size_t> leader() {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (!nodes[i])
        continue;
      const auto response = ask(i, wire::AskStatus{});
      const auto* status = std::get_if<wire::PeerStatus>(&response.body);
      if (status != nullptr && status->role == Role::leader)
        return i;
    }
    return std::nullopt;
  }

  /// Writes until it is done: at most once each time, as commands in doubt are not repeated.
  wire::CallReply write(const std::string& text) { return client.write(command(text)).get(); }
  std::string read() {
    const auto reply = client.read(Bytes::copy_of("?")).get();
    return reply.refusal == Refusal::none ? std::string(reply.value.text())
                                          : std::string(name(reply.refusal));
  }

  Directory directory{};
  std::vector<std::string> names{};
  std::vector<std::string> addresses{};
  std::vector<std::unique_ptr<Node>> nodes{};
  Client client{{.timeout = 10s}};
};

}  // namespace troupe::actors::test
