// What ends a captured step, so that the next replay goes on from it.
#pragma once
#include <cstdint>
#include <vector>

#include "../../capture.h"

namespace doppel::cuda {

class DeviceRuntime;

// Copies the new values of the state to where the step reads them.
void renew(const std::vector<Renewal>& state, DeviceRuntime& runtime);
void count_replay(int64_t* replays, DeviceRuntime& runtime);

}  // namespace doppel::cuda
