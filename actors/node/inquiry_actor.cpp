#include "actors/node/inquiry_actor.hpp"

#include "actors/runtime/messages.hpp"
#include "actors/runtime/replies.hpp"
#include "actors/transport/link.hpp"

#include <utility>

namespace troupe::actors {

InquiryActor::InquiryActor(caf::actor_config& config, caf::actor node, wire::Hello hello,
                           Inquire inquire)
    : caf::event_based_actor(config),
      node_(std::move(node)),
      hello_(std::move(hello)),
      inquire_(std::move(inquire)),
      responses_(inquire_.questions.size()),
      open_(inquire_.questions.size()) {}

caf::behavior InquiryActor::make_behavior() {
  outlive_errors(this);
  start();
  return {
      [this](const InboundResponse& inbound) { on_response(inbound.response); },
      // Our own node answers as it answers any connection.
      [this](const wire::Response& response) { on_response(response); },
      [this](const LinkUp& link) { on_link_up(link); },
      [this](const LinkDown& link) { on_link_down(link); },
      [this](const Wake&) { finish(); },
      [this](const Stop&) { finish(); },
      ignore<InboundReplies>(),
  };
}

void InquiryActor::on_exit() {
  for (const auto& [address, link] : links_)
    send_exit(link, caf::exit_reason::user_shutdown);
  links_.clear();
  node_ = nullptr;
  inquire_ = {};
}

void InquiryActor::start() {
  const caf::actor self = caf::actor_cast<caf::actor>(this);
  for (std::size_t i = 0; i < inquire_.questions.size(); ++i) {
    auto& [address, request] = inquire_.questions[i];
    request.id = i + 1;
    if (address == hello_.address) {
      actors::send(this, node_, InboundRequest{self, request});
    } else if (!links_.contains(address)) {
      LinkOptions options;
      options.address = address;
      options.hello = hello_;
      options.owner = self;
      const auto link = spawn<Link>(std::move(options));
      links_[address] = link;
      actors::send(this, link, WantLink{address, self});
    }
  }
  send_after(this, open_ == 0 ? Duration::zero() : inquire_.timeout, this, Wake{});
}

void InquiryActor::on_link_up(const LinkUp& link) {
  for (std::size_t i = 0; i < inquire_.questions.size(); ++i)
    if (inquire_.questions[i].address == link.address && !responses_[i])
      actors::send(this, link.connection, wire::encode(inquire_.questions[i].request));
}

/// Nobody answers there, or a connection is lost and what was asked over it with it.
void InquiryActor::on_link_down(const LinkDown& link) {
  for (std::size_t i = 0; i < inquire_.questions.size(); ++i)
    if (inquire_.questions[i].address == link.address && !responses_[i])
      on_response(refused(i + 1, Refusal::unreachable, link.address));
}

void InquiryActor::on_response(const wire::Response& response) {
  if (response.id == 0 || response.id > responses_.size() || responses_[response.id - 1])
    return;
  responses_[response.id - 1] = response;
  --open_;
  if (open_ == 0 || (inquire_.enough != nullptr && inquire_.enough(response)))
    finish();
}

void InquiryActor::finish() {
  if (std::exchange(finished_, true))
    return;
  Inquired inquired{.id = inquire_.id, .responses = {}};
  for (std::size_t i = 0; i < responses_.size(); ++i)
    inquired.responses.push_back(
        responses_[i] ? *std::move(responses_[i])
                      : refused(i + 1, Refusal::unreachable, inquire_.questions[i].address));
  actors::send(this, inquire_.reply_to, std::move(inquired));
  quit();
}

}  // namespace troupe::actors
