#include "test/data/stage.hpp"

#include "core/assert.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/trace.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace troupe::test {

namespace {

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw std::invalid_argument("not a number: " + std::string(text));
  return value;
}

std::string name_of(PeerId id) {
  return std::to_string(id.value);
}

}  // namespace

std::string Stage::run(const Line& line) {
  answer_.clear();
  const auto verb = verbs().find(line.verb);
  if (verb == verbs().end())
    return "error: no such verb";
  try {
    (this->*verb->second)(line);
  } catch (const std::invalid_argument& error) {
    say("error: " + std::string(error.what()));
  }
  if (checker_.violation() && !strangers_)
    say("VIOLATION " + *checker_.violation());
  return answer_;
}

Stage::Peer& Stage::peer(PeerId id) {
  const auto it = peers_.find(id);
  if (it == peers_.end())
    throw std::invalid_argument("no peer " + name_of(id));
  return it->second;
}

PeerId Stage::first_peer(const Line& line) {
  if (line.words.empty())
    throw std::invalid_argument("which peer?");
  const PeerId id{parse_number(line.words.front())};
  peer(id);
  return id;
}

std::uint64_t Stage::number(const Line& line, const std::string& key, std::uint64_t otherwise) {
  const auto it = line.options.find(key);
  return it == line.options.end() ? otherwise : parse_number(it->second);
}

/// "1->3" each; none means all.
std::vector<Stage::Link> Stage::links(const Line& line) {
  std::vector<Link> links;
  for (const std::string& word : line.words) {
    const std::size_t arrow = word.find("->");
    if (arrow == std::string::npos)
      throw std::invalid_argument("not a link: " + word);
    links.emplace_back(PeerId{parse_number(word.substr(0, arrow))},
                       PeerId{parse_number(word.substr(arrow + 2))});
  }
  return links;
}

/// Takes what is in flight on `links` (none: on all), in the order it was sent.
std::vector<Message> Stage::take_flight(const std::vector<Link>& links) {
  std::vector<Message> taken;
  std::deque<Message> left;
  for (Message& message : flight_) {
    const Link link{message.from, message.to};
    const bool match = links.empty() || std::ranges::find(links, link) != links.end();
    if (match)
      taken.push_back(std::move(message));
    else
      left.push_back(std::move(message));
  }
  flight_ = std::move(left);
  return taken;
}

void Stage::start(PeerId id) {
  Peer& p = peer(id);
  options_.self = id;
  options_.seed = id.value;
  p.engine.emplace(options_, p.durable, p.now);
  p.view = p.engine->view();
  p.state = {};
  checker_.started(id, p.view, p.engine->log());
}

/// Tells the checker, and the reader if the role is another.
void Stage::look(PeerId id) {
  Peer& p = peer(id);
  const EngineView now = p.engine->view();
  checker_.stepped(p.view, now, p.engine->log());
  if (now.role != p.view.role)
    say(name_of(id) + " is " + std::string(name(now.role)) + " of term "
        + std::to_string(now.hard_state.term.value));
  if (now.dropped != p.view.dropped)
    say(name_of(id) + " drops it");
  p.view = now;
}

void Stage::step(PeerId id, const Input& input) {
  Peer& p = peer(id);
  if (!p.engine)
    throw std::invalid_argument("peer " + name_of(id) + " is down");
  p.engine->step(Tick{p.now});
  look(id);
  p.engine->step(input);
  look(id);
  perform(id);
}

void Stage::perform(PeerId id) {
  Peer& p = peer(id);
  while (p.engine->has_output()) {
    Output output = p.engine->take_output();
    look(id);
    if (output.write) {
      checker_.handed(id, *output.write, p.engine->log());
      p.writes.push_back(*std::move(output.write));
    }
    for (Message& message : output.messages) {
      checker_.sent(message);
      if (!cuts_.contains({message.from, message.to}))
        flight_.push_back(std::move(message));
    }
    std::string applied;
    for (const Entry& entry : output.committed) {
      p.state.apply(entry);
      checker_.applied(id, entry, p.state);
      if (entry.kind == EntryKind::command)
        applied += " " + sim::text(entry);
    }
    if (!applied.empty())
      say(name_of(id) + " applies" + applied);
    for (const ReadReady& ready : output.reads)
      say(name_of(id) + " answers reads up to " + std::to_string(ready.upto.value) + " from index "
          + std::to_string(ready.index.value));
    for (const SetBack& found : output.set_back)
      say(name_of(id) + " finds that " + name_of(found.peer) + " was set back: it acknowledged "
          + std::to_string(found.acknowledged.value) + " and ends at "
          + std::to_string(found.last.value));
    if (!p.disk_is_held)
      while (!p.writes.empty())
        persist_one(id, true);
  }
}

void Stage::persist_one(PeerId id, bool with_notice) {
  Peer& p = peer(id);
  TROUPE_ASSERT(!p.writes.empty());
  const Write write = std::move(p.writes.front());
  p.writes.pop_front();
  sim::apply(write, p.durable);
  checker_.durable(id, write);
  if (!with_notice)
    return;
  p.engine->step(Persisted{write.id});
  look(id);
}

void Stage::deliver_one(Message message) {
  const auto it = peers_.find(message.to);
  const bool arrives =
      it != peers_.end() && it->second.engine && !cuts_.contains({message.from, message.to});
  if (!quiet_)
    say(sim::text(message) + (arrives ? "" : " (lost)"));
  if (arrives)
    step(message.to, message);
}

}  // namespace troupe::test
