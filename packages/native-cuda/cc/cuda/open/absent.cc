// The addon without CUDA.
#include "../open.h"

namespace doppel::cuda {

namespace {
const char* const problem = "the addon was built without CUDA";
}

Cards cards() { return {"", problem, {}}; }

std::unique_ptr<Device> open(int) { throw std::runtime_error(problem); }

}  // namespace doppel::cuda
