#include "actors/runtime/io_actor.hpp"

#include "test/actors/raw_client.hpp"
#include "test/actors/still_system.hpp"
#include "test/actors/transport_fixture.hpp"

#include <sys/ioctl.h>

#include <future>
#include <thread>

namespace {

using troupe::actors::IoActor;
using ThreadPromise = std::shared_ptr<std::promise<std::thread::id>>;

/// Says on which thread it is asked; goes away and comes back.
class Native : public IoActor {
public:
  using IoActor::IoActor;
  caf::behavior make_behavior() override {
    return {[](const ThreadPromise& asked) { asked->set_value(std::this_thread::get_id()); },
            [this](bool away) { stay_away(away); }};
  }
};

/// Tells in which order it meets what the network brings and what it asked for.
class Reader : public IoActor {
public:
  Reader(caf::actor_config& config, std::shared_ptr<troupe::actors::test::Inbox<std::string>> met)
      : IoActor(config), met_(std::move(met)) {}
  caf::behavior make_behavior() override {
    return {[this](troupe::actors::InboundMessages&) { met_->put("message"); },
            [this](const troupe::actors::Flush&) {
              after_reading([self = caf::actor_cast<caf::actor>(this)] {
                caf::anon_send(self, troupe::actors::InputRead{});
              });
            },
            [this](const troupe::actors::InputRead&) { met_->put("read"); }};
  }

private:
  std::shared_ptr<troupe::actors::test::Inbox<std::string>> met_;
};

std::thread::id thread_of(const caf::actor& actor) {
  auto asked = std::make_shared<std::promise<std::thread::id>>();
  auto answer = asked->get_future();
  caf::anon_send(actor, ThreadPromise(asked));
  return answer.get();
}

}  // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(ThreadPromise)

TEST_CASE("where a system has connections, an actor of their thread runs there, whoever asks it") {
  caf::actor_system_config config;
  troupe::actors::configure(config);
  caf::actor_system system(config);
  caf::actor actor = system.spawn<Native>();

  const std::thread::id first = thread_of(actor);
  const std::thread::id second = thread_of(actor);

  CHECK(first == second);
  CHECK(first != std::this_thread::get_id());
  CHECK(first == system.middleman().backend().thread_id());
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("an actor that stays away is run by the scheduler, until it comes back") {
  caf::actor_system_config config;
  troupe::actors::configure(config);
  caf::actor_system system(config);
  caf::actor actor = system.spawn<Native>();
  const std::thread::id home = thread_of(actor);

  caf::anon_send(actor, true);
  while (thread_of(actor) == home) {}
  caf::anon_send(actor, false);
  while (thread_of(actor) != home) {}

  CHECK(home == system.middleman().backend().thread_id());
  caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
}

TEST_CASE("what waits in a socket is read first, however late the thread of the connections runs") {
  using namespace troupe;
  using namespace troupe::actors;
  test::LiveSystem live;
  test::FakeNode node(live, [](test::Puppet&, const test::Puppet::Heard&) {});
  auto met = std::make_shared<test::Inbox<std::string>>();
  caf::actor reader = live.actors.spawn<Reader>(met);
  auto registry = std::make_shared<Registry>();
  registry->by_id = {{PeerId{1}, reader}};
  send_from_outside(node.acceptor(), SharedRegistry(registry));
  test::RawClient other(node.address());
  other.write(wire::Hello{.node = "b", .address = "127.0.0.1:4002", .incarnation = 2});
  REQUIRE(other.read());
  // Returns when the kernel has it on the other side.
  const auto speak = [&] {
    other.write(wire::PeerMessages{
        {{.cluster = {7}, .from = {2}, .to = {1}, .term = {1}, .body = TimeoutNow{}}}});
    for (int unacknowledged = 1; unacknowledged > 0;)
      REQUIRE(::ioctl(other.fd(), TIOCOUTQ, &unacknowledged) == 0);
  };
  speak();
  REQUIRE(met->take() == "message");

  for (int i = 0; i < 20; ++i) {
    // The thread is held up; meanwhile a message arrives, behind what the actor is told.
    auto let_go = std::make_shared<std::promise<void>>();
    auto held = std::make_shared<std::promise<void>>();
    live.actors.middleman().backend().post([let_go, held] {
      held->set_value();
      let_go->get_future().wait();
    });
    held->get_future().wait();
    caf::anon_send(reader, Flush{});
    speak();
    let_go->set_value();

    CHECK(met->take() == "message");
    CHECK(met->take() == "read");
  }
  test::end(reader);
}

TEST_CASE("in a system that stands still, it stands still, too") {
  troupe::actors::test::StillSystem still;
  const caf::actor actor = still.actors->spawn<Native>();
  auto asked = std::make_shared<std::promise<std::thread::id>>();
  auto answer = asked->get_future();

  caf::anon_send(actor, ThreadPromise(asked));
  CHECK(answer.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  still.run();

  CHECK(answer.get() == std::this_thread::get_id());
}
