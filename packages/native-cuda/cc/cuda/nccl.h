// Collectives of cards by NVIDIA's NCCL, which is looked for when it is asked for: the addon loads without it.
#pragma once
#include <memory>
#include <string>

#include "../collective.h"
#include "../runtime.h"

namespace doppel::cuda {

// Bytes by which processes find each other; one of them makes them. Throws the reason where there is no NCCL.
std::string nccl_meeting_point();

// Waits until all have joined.
std::unique_ptr<Collective> join_nccl(const std::string& meeting_point, int rank, int size, Runtime& runtime);

}  // namespace doppel::cuda
