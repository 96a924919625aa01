#include "actors/io_actor.hpp"

#include "test/actors/still_system.hpp"

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
