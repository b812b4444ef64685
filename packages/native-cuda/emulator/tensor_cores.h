// mma.sync over the registers of a warp's 32 lanes, with the fragments' layout of the PTX manual ("Matrix Fragments for
// mma.m16n8k8" and "mma.m16n8k16"). Products are exact, a sum is rounded once to fp32: the card rounds between.
#pragma once
#include <bit>

#include "warp.h"

namespace doppel::cuda {

namespace emulator {

struct Mma {
  float* d;           // 4: the sums, in and out
  const uint32_t* a;  // 4
  const uint32_t* b;  // 2
};

void complete_mma_tf32(Warp& warp, uint32_t lanes);
void complete_mma_bf16(Warp& warp, uint32_t lanes);

inline void mma(const char* name, void (*complete)(Warp&, uint32_t), float* d, const uint32_t* a, const uint32_t* b,
                const Place& place) {
  Mma operand{d, a, b};
  machine.collective({name, 0xffffffffu, place, complete}, &operand);
}

}  // namespace emulator

// The nearest number with 10 bits of mantissa, ties away from zero (cvt.rna.tf32.f32), as the bits of a float.
inline uint32_t to_tf32(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits & 0x007fffffu ? 0x7fffffffu & ~0x1fffu : bits;
  return (bits + 0x1000u) & ~0x1fffu;
}

// Two numbers rounded to bf16 in one register, `low` in the lower half.
inline uint32_t pack_bf16(float low, float high) {
  return static_cast<uint32_t>(__float2bfloat16(low).bits) | static_cast<uint32_t>(__float2bfloat16(high).bits) << 16;
}

// d[16×8] += a[16×8]·b[8×8], operands made by to_tf32.
inline void mma_tf32_16x8x8(float d[4], const uint32_t a[4], const uint32_t b[2],
                            std::source_location place = std::source_location::current()) {
  emulator::mma("mma_tf32_16x8x8", &emulator::complete_mma_tf32, d, a, b, place);
}

// d[16×8] += a[16×16]·b[16×8], two bf16 a register.
inline void mma_bf16_16x8x16(float d[4], const uint32_t a[4], const uint32_t b[2],
                             std::source_location place = std::source_location::current()) {
  emulator::mma("mma_bf16_16x8x16", &emulator::complete_mma_bf16, d, a, b, place);
}

}  // namespace doppel::cuda
