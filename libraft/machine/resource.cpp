#include "machine/resource.hpp"

#include <utility>

namespace troupe::machine {
namespace {

/// A state that was saved at one go.
class WholeSaver : public Saver {
public:
  explicit WholeSaver(std::string saved) : saved_(std::move(saved)) {}
  std::string next() override { return std::exchange(saved_, {}); }

private:
  std::string saved_;
};

}  // namespace

std::unique_ptr<Saver> Resource::start_save() {
  return std::make_unique<WholeSaver>(save());
}

bool Resource::load_piece(View piece, Place place) {
  return place == Place::first && load(piece);
}

}  // namespace troupe::machine
