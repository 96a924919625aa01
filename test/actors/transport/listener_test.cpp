#include "actors/transport/listener.hpp"

#include "test/actors/transport_fixture.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <variant>
#include <vector>

namespace troupe::actors::test {
namespace {

using News = std::variant<Accepted, AcceptingPaused, AcceptingResumed>;

/// An actor that a listener reports to.
class Reporter : public caf::event_based_actor {
public:
  Reporter(caf::actor_config& config, std::shared_ptr<Inbox<News>> inbox)
      : caf::event_based_actor(config), inbox_(std::move(inbox)) {}
  caf::behavior make_behavior() override {
    return {[this](Accepted& news) { inbox_->put(std::move(news)); },
            [this](const AcceptingPaused& news) { inbox_->put(news); },
            [this](const AcceptingResumed& news) { inbox_->put(news); }};
  }

private:
  std::shared_ptr<Inbox<News>> inbox_;
};

struct LiveListener {
  LiveListener() {
    auto outcome = listen_on("127.0.0.1:0");
    REQUIRE(std::holds_alternative<Listening>(outcome));
    auto& listening = std::get<Listening>(outcome);
    address = listening.address;
    socket = std::make_shared<Socket>(std::move(listening.socket));
    reporter = live.actors.spawn<Reporter>(news);
    listener = live.actors.spawn<Listener, caf::detached>(socket, reporter);
  }
  LiveListener(const LiveListener&) = delete;
  LiveListener& operator=(const LiveListener&) = delete;
  ~LiveListener() {
    shut_down(socket->fd());
    end(listener);
    end(reporter);
  }

  LiveSystem live{};
  std::shared_ptr<Inbox<News>> news = std::make_shared<Inbox<News>>();
  std::string address{};
  SharedSocket socket{};
  caf::actor reporter{};
  caf::actor listener{};
};

/// While it lives this process can open no file.
class NoFiles {
public:
  NoFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 3;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;
  ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

sockaddr_storage address_of(const char* text) {
  sockaddr_storage where{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(where);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(where);
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1)
    where.ss_family = AF_INET;
  else if (::inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
    where.ss_family = AF_INET6;
  return where;
}

TEST_CASE("accepting pauses where there is no file to accept with, and says so once") {
  LiveListener at;
  const Socket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto port =
      static_cast<std::uint16_t>(std::stoi(at.address.substr(at.address.find(':') + 1)));
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(port);
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  {
    const NoFiles none;
    REQUIRE(::connect(client.fd(), reinterpret_cast<sockaddr*>(&there), sizeof there) == 0);
    const auto paused = at.news->take();
    REQUIRE(paused);
    REQUIRE(std::holds_alternative<AcceptingPaused>(*paused));
    CHECK(std::get<AcceptingPaused>(*paused).why == "Too many open files");
  }
  // Had it said so more than once, this would be another.
  const auto first = at.news->take();
  REQUIRE(first);
  CHECK(std::holds_alternative<Accepted>(*first));
  CHECK(std::get<Accepted>(*first).source == "127.0.0.1");
  const auto second = at.news->take();
  REQUIRE(second);
  CHECK(std::holds_alternative<AcceptingResumed>(*second));
}

TEST_CASE("a listener ends with its socket, with files or without") {
  LiveListener ready;
  shut_down(ready.socket->fd());
  end(ready.listener);

  LiveListener starved;
  const Socket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const NoFiles none;
  shut_down(starved.socket->fd());
  end(starved.listener);
}

TEST_CASE("a source is an IPv4 address, or the network of an IPv6 address") {
  CHECK(source_of(address_of("10.1.2.3")) == "10.1.2.3");
  CHECK(source_of(address_of("::ffff:10.1.2.3")) == "10.1.2.3");
  CHECK(source_of(address_of("2001:db8:1:2:3:4:5:6")) == "2001:db8:1:2::");
  CHECK(source_of(address_of("2001:db8:1:2::9")) == "2001:db8:1:2::");
}

}  // namespace
}  // namespace troupe::actors::test
