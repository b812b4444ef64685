#include "order.h"

#include <string>

namespace doppel::cuda {

void set_block_order(Order order, uint64_t seed) { emulator::machine.set_order(order, seed); }

std::vector<std::byte> run_orders(const std::function<std::vector<std::byte>()>& work, int shuffles) {
  const emulator::OrderGuard guard;
  set_block_order(Order::forwards);
  const std::vector<std::byte> expected = work();
  for (int run = 0; run <= shuffles; run++) {
    set_block_order(run == 0 ? Order::backwards : Order::shuffled, static_cast<uint64_t>(run));
    const std::vector<std::byte> found = work();
    if (found == expected) continue;
    size_t at = 0;
    while (at < found.size() && at < expected.size() && found[at] == expected[at]) at++;
    const std::string order = run == 0 ? "backwards" : "in shuffled order (seed " + std::to_string(run) + ")";
    emulator::fail(FaultKind::order,
                   "run_orders: with blocks run " + order + " byte " + std::to_string(at) +
                       " of the result is another than forwards. "
                       "Expected a result that no order of blocks changes: no block may use what another writes in the "
                       "same launch, and floats are not summed by atomics.",
                   emulator::Place::current());
  }
  return expected;
}

}  // namespace doppel::cuda
