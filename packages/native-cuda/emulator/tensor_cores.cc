#include "tensor_cores.h"

namespace doppel::cuda::emulator {

namespace {

// One mma. Lane 4·row + pair holds d[row | row + 8][2·pair | 2·pair + 1].
template <int depth> struct Matrices {
  double a[16][depth], b[depth][8], d[16][8];

  double& sum(int lane, int i) { return d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2]; }

  void multiply_into(Warp& warp) {
    for (int lane = 0; lane < 32; lane++) {
      for (int i = 0; i < 4; i++) sum(lane, i) = static_cast<const Mma*>(warp.threads[lane]->operand)->d[i];
    }
    for (int m = 0; m < 16; m++) {
      for (int k = 0; k < depth; k++) {
        for (int n = 0; n < 8; n++) d[m][n] += a[m][k] * b[k][n];
      }
    }
    for (int lane = 0; lane < 32; lane++) {
      for (int i = 0; i < 4; i++)
        static_cast<Mma*>(warp.threads[lane]->operand)->d[i] = static_cast<float>(sum(lane, i));
    }
  }
};

const Collective& operation(const Warp& warp, uint32_t lanes) { return warp.threads[__builtin_ctz(lanes)]->collective; }

void expect_full_warp(Warp& warp, uint32_t lanes) {
  if (lanes == 0xffffffffu) return;
  const Collective& collective = operation(warp, lanes);
  unsigned missing = 0;
  while (lanes >> missing & 1) missing++;
  const char* why = missing < warp.lanes ? "has ended" : "does not exist";
  fail(FaultKind::barrier,
       std::string(collective.name) + " without lane " + std::to_string(missing) + ", which " + why +
           ": expected all 32 lanes of the warp. Use blocks of a multiple of 32, and let no thread return before.",
       collective.place);
}

double tf32(uint32_t bits, const Warp& warp) {
  if (bits & 0x1fff) {
    fail(FaultKind::operand,
         "mma_tf32_16x8x8 on the number " + std::to_string(std::bit_cast<float>(bits)) +
             ", which has more than 10 bits of mantissa: expected the result of to_tf32.",
         operation(warp, ~0u).place);
  }
  return std::bit_cast<float>(bits);
}

double bf16(uint32_t pair, int i) { return std::bit_cast<float>(i % 2 == 0 ? pair << 16 : pair & 0xffff0000u); }

}  // namespace

void complete_mma_tf32(Warp& warp, uint32_t lanes) {
  expect_full_warp(warp, lanes);
  Matrices<8> matrices;
  for (int lane = 0; lane < 32; lane++) {
    const auto& part = *static_cast<const Mma*>(warp.threads[lane]->operand);
    const int group = lane / 4, within = lane % 4;
    for (int i = 0; i < 4; i++) matrices.a[group + i % 2 * 8][within + i / 2 * 4] = tf32(part.a[i], warp);
    for (int i = 0; i < 2; i++) matrices.b[within + i * 4][group] = tf32(part.b[i], warp);
  }
  matrices.multiply_into(warp);
}

void complete_mma_bf16(Warp& warp, uint32_t lanes) {
  expect_full_warp(warp, lanes);
  Matrices<16> matrices;
  for (int lane = 0; lane < 32; lane++) {
    const auto& part = *static_cast<const Mma*>(warp.threads[lane]->operand);
    const int group = lane / 4, within = lane % 4;
    for (int i = 0; i < 8; i++)
      matrices.a[group + i / 2 % 2 * 8][within * 2 + i % 2 + i / 4 * 8] = bf16(part.a[i / 2], i);
    for (int i = 0; i < 4; i++) matrices.b[within * 2 + i % 2 + i / 2 * 8][group] = bf16(part.b[i / 2], i);
  }
  matrices.multiply_into(warp);
}

void fail_shuffle(const Collective& collective, unsigned lane, unsigned source) {
  fail(FaultKind::operand,
       std::string(collective.name) + ": lane " + std::to_string(lane) + " reads from lane " + std::to_string(source) +
           ", which does not take part (not in the mask, ended, or past the end of the block). Let all lanes of the "
           "mask come along.",
       collective.place);
}

}  // namespace doppel::cuda::emulator
