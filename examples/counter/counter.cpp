// A replicated, durable counter: one small class, and a whole program around it. Try
//
//     counter shell --name a --listen 127.0.0.1:4001 --data /tmp/counter
//     a> start_peer counter peer1
//     a> set_configuration peer1 peer1
//     a> write peer1 add 2

#include <troupe/run.hpp>
#include <troupe/text_resource.hpp>

using namespace troupe;

class Counter : public TextResource {
public:
  /// `add N`: applied by every peer of the cluster, in the same order.
  Reply write(const Words& words) override {
    const auto by = words.size() == 2 && words[0] == "add" ? number(words[1]) : std::nullopt;
    std::int64_t sum = 0;
    if (!by || __builtin_add_overflow(count_, *by, &sum))
      return Reply::refused("not_a_number_to_add");
    count_ = sum;
    return Reply::ok(std::to_string(count_));
  }

  /// `get`: answered by the leader, after everything that was written before.
  Reply read(const Words& words) const override {
    return words[0] == "get" ? Reply::ok(std::to_string(count_)) : Reply::refused("unknown_query");
  }

  std::string save_text() const override { return std::to_string(count_); }
  bool load_text(const std::string& saved) override {
    const auto count = number(saved);
    count_ = count.value_or(0);
    return count.has_value();
  }

private:
  std::int64_t count_ = 0;
};

int main(int argc, char** argv) {
  const std::string help = "add N   count N more\nget     how many there are";
  return troupe::run(argc, argv, troupe::kinds({text_kind<Counter>("counter", help)}));
}
