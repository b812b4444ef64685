// The order in which blocks and warps run, which a card does not promise: results must not depend on it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "machine.h"

namespace doppel::cuda {

using emulator::Order;

// For the launches from now on, before what DOPPEL_EMULATOR_ORDER says (forwards, backwards, shuffled,
// shuffled:<seed>).
void set_block_order(Order order, uint64_t seed = 0);

// Does the work forwards, backwards and in shuffled orders. Gives what it returns; a Fault unless that is the same
// bytes each time.
std::vector<std::byte> run_orders(const std::function<std::vector<std::byte>()>& work, int shuffles = 3);

}  // namespace doppel::cuda
