#pragma once

namespace troupe::shell {

/// A visitor of a variant, made of a lambda for each alternative.
template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace troupe::shell
