#include "machine/resource.hpp"

#include <utility>

namespace troupe::machine {
namespace {

/// A state that was saved at one go.
class WholeSaver : public Saver {
public:
  explicit WholeSaver(std::string saved) : saved_(std::move(saved)) {}

  std::string next() override {
    std::string piece = saved_.substr(given_, saved_piece_bytes_max);
    given_ += piece.size();
    return piece;
  }
  int percent() const override {
    return saved_.empty() ? 100 : static_cast<int>(100 * given_ / saved_.size());
  }

private:
  std::string saved_;
  std::size_t given_ = 0;
};

}  // namespace

std::unique_ptr<Saver> Resource::start_save() {
  return std::make_unique<WholeSaver>(save());
}

bool Resource::load_piece(View piece) {
  gathered_ += text(piece);
  return true;
}

bool Resource::end_load() {
  const std::string saved = std::exchange(gathered_, {});
  return load(bytes(saved));
}

}  // namespace troupe::machine
