#include "shell/settings.hpp"

#include "actors/runtime/address.hpp"
#include "core/options.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>

namespace troupe::shell {

namespace {

template <class Target>
void add_duration(CLI::App& app, const std::string& name, Target& target, const std::string& help) {
  const auto read = [&target, name](const std::string& text) {
    const std::optional<Duration> duration = parse_duration(text);
    if (!duration)
      throw CLI::ValidationError(name, text + " is not a time like 150ms or 3s");
    target = std::chrono::duration_cast<Target>(*duration);
  };
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(target).count();
  auto* option = app.add_option_function<std::string>(name, read, help)->type_name("TIME");
  if (ms > 0)
    option->default_str(std::to_string(ms) + "ms");
}

std::string addresses_only(const std::string& text) {
  return actors::problem_of_address(text);
}

}  // namespace

void add_options(CLI::App& app, NodeSettings& settings) {
  actors::NodeOptions& node = settings.options;
  app.add_option("--name", node.name, "what people call this node")->type_name("NAME");
  app.add_option("--listen", node.listen,
                 "where it listens; others dial this address, unless --advertise names another")
      ->type_name("HOST:PORT");
  app.add_flag("--insecure", node.insecure,
               "listen also where other machines can dial: anyone who reaches the address can "
               "read, change and stop everything");
  app.add_option("--advertise", node.advertise,
                 "the address that others reach it by, as behind a NAT or in a container")
      ->type_name("HOST:PORT")
      ->check(addresses_only);
  app.add_option("--data,--data-dir", node.directory,
                 "where its peers keep their logs; created if missing")
      ->type_name("DIR");
  add_duration(app, "--election-timeout-min", node.engine.election_timeout_min,
               "a follower that hears no leader this long may ask for votes");
  add_duration(app, "--election-timeout-max", node.engine.election_timeout_max,
               "...and does so before this");
  add_duration(app, "--heartbeat", node.engine.heartbeat_interval,
               "how often an idle leader is heard");
  add_duration(app, "--clock-error", node.engine.clock_error,
               "how far clocks may drift apart in an election timeout; lease reads trust it");
  app.add_option("--connections-max", node.connections_max,
                 "clients at a time; fewer if the process may not open so many files")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--peers-max", node.peers_max,
                 "peers on this node, running or stopped; delete_peer makes room")
      ->type_name("N")
      ->check(CLI::Range(1, 2000))
      ->capture_default_str();
  add_duration(app, "--stop-timeout", node.stop_timeout,
               "how long each step of an orderly end may take");
  app.add_option("--log-level", settings.log_level, "what is logged to stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
}

void add_options(CLI::App& app, ShellSettings& settings) {
  app.add_option(
         "--connect", settings.connect,
         "nodes to talk to; any that lives will do. Names without an address are peers of the "
         "first, or of one that is the only one of that name")
      ->type_name("HOST:PORT")
      ->delimiter(',')
      ->check(addresses_only);
  app.add_option("-c,--command", settings.commands,
                 "execute these commands, separated by ';', instead of reading some")
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_flag("--json", settings.json, "answer each command with one JSON object");
  app.add_flag("!--no-follow", settings.follow,
               "send each command once, to the node of the peer that it names, and show redirects");
  app.add_flag("--keep-going", settings.keep_going,
               "go on after a command that failed; -c and pipes stop there otherwise");
  add_duration(app, "--wait", settings.wait,
               "how long a command may wait for its node to answer, and for a leader");
  add_duration(app, "--timeout", settings.timeout, "how long each command may take");
  add_options(app, settings.node);
}

void add_options(CLI::App& app, LogSettings& settings) {
  app.add_option("DIR", settings.directory, "the --data of a node, which may run")->required();
}

void add_options(CLI::App& app, RepairSettings& settings) {
  app.add_option("--data-dir,--data", settings.directory, "the --data of a node that does not run")
      ->type_name("DIR")
      ->required();
  app.add_option("--peer", settings.peer, "the surviving peer, without an address")
      ->type_name("NAME")
      ->required();
  app.add_flag("--yes", settings.yes, "do it without asking");
  app.add_flag("--even-if-behind", settings.even_if_behind,
               "though another survivor knows more, or may: what only that one has is lost");
  app.add_flag("--json", settings.json, "answer with one JSON object; without --yes, do nothing");
  add_duration(app, "--timeout", settings.timeout, "how long the other members may take to answer");
}

void add_options(CLI::App& app, actors::JoinSettings& settings) {
  const auto take_peer = [&settings](const std::vector<std::string>& words) {
    settings.kind = words.at(0);
    settings.peer = words.at(1);
  };
  const auto take_rank = [&settings](actors::Rank rank) {
    return [&settings, rank](std::int64_t) { settings.rank = rank; };
  };
  app.add_option("--join", settings.at,
                 "have --peer become a member of the cluster that is there; more than one, so that "
                 "members are found that moved")
      ->type_name("HOST:PORT")
      ->delimiter(',')
      ->check(addresses_only);
  app.add_option_function<std::vector<std::string>>("--peer", take_peer,
                                                    "the peer of this node that joins")
      ->type_name("KIND NAME")
      ->expected(2);
  auto* learner =
      app.add_flag_function("--learner", take_rank(actors::Rank::learner), "it only listens");
  app.add_flag_function("--standby", take_rank(actors::Rank::standby),
                        "it stands by, to take the place of a voter that is gone")
      ->excludes(learner);
  app.add_option("--cluster", settings.cluster,
                 "a member at HOST:PORT, where there are several clusters of that kind")
      ->type_name("NAME");
  app.add_flag("--rebuild", settings.rebuild,
               "a store that is corrupt is set aside, and the peer built from the others");
}

std::string problem(const NodeSettings& settings) {
  const actors::NodeOptions& node = settings.options;
  if (std::string wrong = actors::problem(settings.join); !wrong.empty())
    return wrong;
  if (node.name.empty() && !settings.join.wanted())
    return "--name is missing";
  if (node.listen.empty())
    return "--listen is missing";
  if (node.directory.empty())
    return "--data is missing";
  EngineOptions engine = node.engine;
  engine.self = {1};  // Each peer has its own.
  return troupe::problem(engine);
}

std::string problem(const ShellSettings& settings) {
  const actors::NodeOptions& node = settings.node.options;
  const bool hosts = !node.name.empty() || !node.listen.empty() || !node.advertise.empty()
                     || !node.directory.empty();
  if (hosts && !settings.connect.empty())
    return "a shell either has a node of its own (--name, --listen, --data) or uses --connect";
  if (!hosts && settings.connect.empty())
    return "a shell needs --connect, or --name, --listen and --data for a node of its own";
  return hosts ? problem(settings.node) : std::string();
}

std::optional<Duration> parse_duration(std::string_view text) {
  static constexpr Duration longest = std::chrono::hours(24);
  std::uint32_t count = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, failure] = std::from_chars(text.data(), end, count);
  if (failure != std::errc())
    return std::nullopt;

  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  Duration duration{};
  if (unit.empty() || unit == "ms")
    duration = std::chrono::milliseconds(count);
  else if (unit == "s")
    duration = std::chrono::seconds(count);
  if (duration <= Duration::zero() || duration > longest)
    return std::nullopt;
  return duration;
}

}  // namespace troupe::shell
