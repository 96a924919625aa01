#pragma once

#include "machine/resource.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace troupe::machine {

/// What committed entries change: a resource, and how far it has come. The one
/// place that calls `Resource`, so that a resource that fails poisons nothing.
class ReplicatedState {
public:
  using Make = std::function<std::unique_ptr<Resource>()>;

  /// `make` makes an empty resource: at once, and for each load.
  explicit ReplicatedState(Make make);

  /// What the reply releases is in order, and none of it is behind the command. A resource that
  /// threw releases nothing. Requires: `command.index > applied()`, as long as nothing is being
  /// loaded.
  Reply apply(const Command& command);
  /// An entry that changes nothing here (no-op, configuration) was committed.
  /// Requires: `index > applied()`.
  void skip(Index index);
  Reply query(View question) const;

  // ---- saving the state as it was at one index, while entries go on to change it

  /// Starts to save the state as it is, at `applied()`. What was being saved is given up. False if
  /// the resource threw.
  bool start_save();
  bool is_saving() const { return saver_ != nullptr; }
  /// The next piece; empty when that was all, nothing if the resource threw: the save has ended
  /// then. Requires `is_saving()`.
  std::optional<std::string> next_piece();
  /// How much was saved; a guess for people. Requires `is_saving()`.
  int percent_saved() const;
  void stop_saving() { saver_.reset(); }

  // ---- becoming what another saved

  /// The state is empty, as before the first entry, and ready to be loaded. Ends a save.
  void start_load();
  /// The next piece. False if it is not such, or the resource threw: the state is empty then, and
  /// the load has failed.
  bool load_piece(View piece);
  /// The state is the one that was saved at `index`; or, if false, empty.
  bool end_load(Index index);

  Index applied() const { return applied_; }
  const Resource& resource() const { return *resource_; }

private:
  template <class Step>
  bool try_to_load(const Step& step);

  Make make_;
  std::unique_ptr<Resource> resource_;
  std::unique_ptr<Saver> saver_{};  ///< Refers to the resource: below it, so that it goes first.
  Index applied_{};
};

}  // namespace troupe::machine
