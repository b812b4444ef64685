// The cards of this machine. Three builds have these functions, from the folder open/: with CUDA, on the emulator, and
// without either.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "../device.h"

namespace doppel::cuda {

struct Card {
  std::string name;     // "NVIDIA A100-SXM4-80GB, compute capability 8.0, 108 multiprocessors, 80 GB"
  std::string problem;  // why it cannot serve; empty where it can
  std::string id;       // the same in every process that sees this card, whatever its number there
};

struct Cards {
  std::string backend;  // "cuda" or "cuda-emulated"; empty where this build has neither
  std::string problem;  // why there are none; empty where there are some
  std::vector<Card> cards;
};

Cards cards();  // never throws

// Opens a card for the calling thread. Throws std::runtime_error with the reason where it cannot serve.
std::unique_ptr<Device> open(int card);

}  // namespace doppel::cuda
