// Races on shared memory, found by what orders two accesses and not by when they happened to run: a barrier of the
// block between them, or synchronisations of their warp. Exact, but for one simplification (see note()).
#pragma once
#include <cstdint>
#include <cstring>

namespace doppel::cuda::emulator {

// What orders the accesses of a warp's lanes between two barriers of the block: a vector clock, in which the time is
// the number of warp-wide synchronisations so far.
struct WarpClock {
  unsigned index = 0;
  uint32_t time = 0;
  uint32_t all_known_before = 0;       // every lane knows what any did before this time
  uint32_t known_before[32][32] = {};  // [lane][other]

  bool in_parts = false;  // since the reset, some lanes synchronised without the others

  void reset(unsigned warp) {
    if (in_parts) std::memset(known_before, 0, sizeof known_before);
    index = warp, time = 0, all_known_before = 0, in_parts = false;
  }

  // From now on the lanes of the mask know what each of them knew.
  void synchronise(uint32_t mask, bool all) {
    time++;
    if (all) {
      all_known_before = time;
      return;
    }
    in_parts = true;
    uint32_t joined[32];
    for (unsigned other = 0; other < 32; other++) joined[other] = mask >> other & 1 ? time : all_known_before;
    for (unsigned lane = 0; lane < 32; lane++) {
      if (!(mask >> lane & 1)) continue;
      for (unsigned other = 0; other < 32; other++) {
        if (known_before[lane][other] > joined[other]) joined[other] = known_before[lane][other];
      }
    }
    for (unsigned lane = 0; lane < 32; lane++) {
      if (mask >> lane & 1) std::memcpy(known_before[lane], joined, sizeof joined);
    }
  }
};

// The thread that touches memory now.
struct Toucher {
  const WarpClock& warp;
  unsigned lane;
  uint32_t epoch;  // barriers of the block so far, over all blocks
};

// Who touched an element in one way since the last barrier.
struct Accesses {
  uint32_t epoch = 0;
  uint32_t time = 0;   // of the warp
  uint32_t lanes = 0;  // of the warp
  uint16_t warp = 0;
  bool asynchronous = false;  // a cp.async that landed

  // Whether some other thread's access is not ordered before the toucher's.
  bool races_with(const Toucher& now) const {
    if (epoch != now.epoch) return false;
    if (warp != now.warp.index) return true;
    uint32_t others = lanes & ~(1u << now.lane);
    if (others == 0 || time < now.warp.all_known_before) return false;
    for (; others != 0; others &= others - 1) {
      if (time >= now.warp.known_before[now.lane][__builtin_ctz(others)]) return true;
    }
    return false;
  }

  // Adds the toucher. Of several warps the first is kept: between two barriers warps run one after the other, so it
  // does not come back, and races with whoever does. Of one warp's accesses only the newest are kept: an older one that
  // is still not ordered (only where the synchronisations between had partial masks) is forgotten.
  void note(const Toucher& now) {
    if (epoch != now.epoch) {
      *this = {now.epoch, now.warp.time, 1u << now.lane, static_cast<uint16_t>(now.warp.index), false};
    } else if (warp == now.warp.index) {
      lanes = time == now.warp.time ? lanes | 1u << now.lane : 1u << now.lane;
      time = now.warp.time;
    }
  }

  void replace(const Toucher& now, bool asynchronously) {
    *this = {now.epoch, now.warp.time, 1u << now.lane, static_cast<uint16_t>(now.warp.index), asynchronously};
  }
};

// The history of one element of shared memory.
struct Cell {
  Accesses write, reads, atomics;
  uint32_t copying_since = 0;   // first epoch of the block in which a cp.async into it is under way
  uint32_t copying_thread = 0;  // its rank
};

}  // namespace doppel::cuda::emulator
