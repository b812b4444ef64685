// What a kernel that does its work right computes on the emulator is what plain C++ computes.
#include <cmath>
#include <numeric>

#include "kernels.h"
#include "suite.h"

namespace doppel::cuda::test {

namespace {

using namespace example;
using Values = std::vector<float>;

void numbers_threads() {
  const dim3 grid(3, 2, 2), block(5, 3, 7);
  Device<int> out(3 * 2 * 2 * 5 * 3 * 7);
  number_threads(out.view(), grid, block);
  std::vector<int> expected(out.values().size());
  std::iota(expected.begin(), expected.end(), 0);
  expect_equal(out.values(), expected);
}

void sums_blocks() {
  for (const int threads : {1, 31, 32, 100, 256}) {
    const int blocks = 3;
    const Values x =
        random_values(static_cast<size_t>(blocks * threads), 12);  // few bits: any order gives the same sum
    Device<float> in(x), out(blocks);
    block_sum(in.in(), out.view(), blocks, threads);
    Values expected;
    for (int b = 0; b < blocks; b++)
      expected.push_back(std::accumulate(x.begin() + b * threads, x.begin() + (b + 1) * threads, 0.0f));
    expect_equal(out.values(), expected);
  }
}

void transposes() {
  const int rows = 45, columns = 70;
  const Values x = random_values(rows * columns);
  Device<float> in(x), out(x.size());
  transpose(in.in(), out.view(), rows, columns);
  Values expected(x.size());
  for (int r = 0; r < rows; r++) {
    for (int c = 0; c < columns; c++) expected[c * rows + r] = x[r * columns + c];
  }
  expect_equal(out.values(), expected);
}

void sums_warps() {
  const int warps = 4;
  const Values x = random_values(32 * warps, 12);
  Device<float> in(x), by_xor(warps), by_down(warps);
  warp_sum(in.in(), by_xor.view(), by_down.view(), warps);
  Values expected;
  for (int w = 0; w < warps; w++)
    expected.push_back(std::accumulate(x.begin() + w * 32, x.begin() + (w + 1) * 32, 0.0f));
  expect_equal(by_xor.values(), expected);
  expect_equal(by_down.values(), expected);
}

int reversed(int lane, int bits) { return bits == 0 ? 0 : (lane & 1) << (bits - 1) | reversed(lane >> 1, bits - 1); }

void exchanges_in_a_warp() {
  const Values x = random_values(128);
  Device<float> in(x), out(128);
  warp_exchange(in.in(), out.view(), 4);
  Values expected;
  for (int i = 0; i < 128; i++) expected.push_back(x[i / 32 * 32 + reversed(i % 32, 5)]);
  expect_equal(out.values(), expected);
}

void exchanges_in_half_a_warp() {
  const Values x = random_values(32, 12);
  Device<float> in(x), out(32);
  half_warp_exchange(in.in(), out.view());
  Values expected;
  for (int i = 0; i < 32; i++) expected.push_back(x[i / 16 * 16 + reversed(i % 16, 4)] + 1);
  expect_equal(out.values(), expected);
}

void counts_by_atomics() {
  std::vector<int> x(1000), expected(16);
  for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<int>(i * i % 16), expected[x[i]]++;
  Device<int> in(x), counts(16);
  fill_bytes(counts.data, 0, 64);
  histogram(in.in(), counts.view(), 1000);
  expect_equal(counts.values(), expected);
}

void sums_by_the_last_block() {
  const int blocks = 50;
  const Values x = random_values(32 * blocks, 12);
  Device<float> in(x), out(1 + blocks);
  Device<int> arrived(std::vector<int>{0});
  sum_in_one_launch(in.in(), out.view(), arrived.view(), blocks);
  expect_equal<float>({out.values()[0]}, {std::accumulate(x.begin(), x.end(), 0.0f)});
}

void loads_and_stores_four() {
  for (const int count : {1, 4, 250, 256}) {
    const Values x = random_values(count);
    Device<float> in(x), out(count);
    twice(in.in(), out.view(), count);
    Values expected = x;
    for (float& value : expected) value *= 2;
    expect_equal(out.values(), expected);
  }
}

// In double: the operands' products and their sums are exact there.
Values product(const Values& a, const Values& b, int depth) {
  Values d;
  for (int m = 0; m < 16; m++) {
    for (int n = 0; n < 8; n++) {
      double sum = 0;
      for (int k = 0; k < depth; k++) sum += static_cast<double>(a[m * depth + k]) * b[k * 8 + n];
      d.push_back(static_cast<float>(sum));
    }
  }
  return d;
}

void expect_near(const Values& found, const Values& expected, double tolerance) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); i++)
    difference += std::pow(double{found[i]} - expected[i], 2), norm += std::pow(expected[i], 2);
  const double relative = std::sqrt(difference / norm);
  expect(relative < tolerance,
         "expected a relative difference below " + std::to_string(tolerance) + ", found " + std::to_string(relative));
}

void multiplies(void (*multiply)(In<float>, In<float>, Out<float>, int), int depth, int bits) {
  Device<float> d(128);
  // Operands that the cores take as they are: one rounding for each instruction is all that may differ.
  const Values a = random_values(16 * depth, bits, 1), b = random_values(depth * 8, bits, 2);
  multiply(Device<float>(a).in(), Device<float>(b).in(), d.view(), depth);
  expect_near(d.values(), product(a, b, depth), 1e-7);
  // Operands that have to be rounded: as much as the bits promise, and not exact.
  const Values c = random_values(16 * depth, 24, 3), e = random_values(depth * 8, 24, 4);
  multiply(Device<float>(c).in(), Device<float>(e).in(), d.view(), depth);
  expect_near(d.values(), product(c, e, depth), std::ldexp(1, -bits));
  expect(d.values() != product(c, e, depth), "expected operands that are rounded, found the exact product");
}

void rounds_to_tf32() {
  const auto round = [](uint32_t bits) { return to_tf32(std::bit_cast<float>(bits)); };
  expect(round(0x3f800000) == 0x3f800000 && round(0x3f800fff) == 0x3f800000, "below half a step: expected down");
  expect(round(0x3f801000) == 0x3f802000 && round(0xbf801000) == 0xbf802000, "at half a step: expected away from zero");
  expect(round(0x7f800000) == 0x7f800000, "expected infinity to stay");
  expect(std::isnan(std::bit_cast<float>(round(0x7f800001))), "expected NaN to stay");
}

void rounds_to_bf16() {
  const auto round = [](uint32_t bits) { return pack_bf16(std::bit_cast<float>(bits), 1.0f); };
  expect(round(0x3f808000) == 0x3f803f80 && round(0x3f818000) == 0x3f803f82, "at half a step: expected to even");
  expect(round(0x3f808001) == 0x3f803f81, "above half a step: expected up");
  expect(round(0x7f800001) == 0x3f807fff, "expected NaN to stay");
}

void copies_asynchronously() {
  for (const int count : {128, 4, 132, 640, 1004}) {
    const Values x = random_values(count, 12);
    Device<float> in(x), out(128);
    sum_of_tiles(in.in(), out.view(), count);
    Values expected(128);
    for (int i = 0; i < count; i++) expected[i % 128] += x[i];
    expect_equal(out.values(), expected);
  }
}

void votes() {
  const Values x = random_values(96);
  Device<unsigned> out(3);
  negative_lanes(Device<float>(x).in(), out.view(), 3);
  std::vector<unsigned> expected(3);
  for (int i = 0; i < 96; i++) expected[i / 32] |= static_cast<unsigned>(x[i] < 0) << i % 32;
  expect_equal(out.values(), expected);
}

void runs_in_all_orders() {
  const Values x = random_values(45 * 70);
  const auto bytes = run_orders([&] {
    Device<float> in(x), out(x.size());
    transpose(in.in(), out.view(), 45, 70);
    const Values values = out.values();
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    return std::vector<std::byte>(first, first + values.size() * sizeof(float));
  });
  expect(bytes.size() == x.size() * sizeof(float), "expected the result's bytes");
}

// copy_on_device takes along what is unwritten.
void copies_on_the_device() {
  const Values x = random_values(64);
  Device<float> from(x), to(64);
  copy_on_device(to.data, from.data, 256);
  expect_equal(to.values(), x);
}

void records_a_stream() {
  EmulatedStream stream;
  Device<float> from({1, 2, 3, 4}), to({0, 0, 0, 0});
  begin_recording(&stream);
  copy_on_device(to.data, from.data, 4 * sizeof(float), &stream);
  fill_bytes(from.data, 0, sizeof(float), &stream);
  expect_equal(to.values(), {0, 0, 0, 0});
  const RecordedWork work = end_recording(&stream);
  work.replay(&stream);
  expect_equal(to.values(), {1, 2, 3, 4});
  work.replay(&stream);
  expect_equal(to.values(), {0, 2, 3, 4});
  copy_on_device(from.data, to.data, 4 * sizeof(float), &stream);  // not recorded any more
  expect_equal(from.values(), {0, 2, 3, 4});
}

void counts_memory() {
  const auto [buffers, bytes] = device_memory_in_use();
  {
    Device<float> one(10), other(0);
    expect(device_memory_in_use().buffers == buffers + 2, "expected two buffers more");
    expect(device_memory_in_use().bytes == bytes + 40, "expected 40 bytes more");
  }
  expect(device_memory_in_use().buffers == buffers && device_memory_in_use().bytes == bytes,
         "expected as much as before");
}

}  // namespace

std::vector<Case> features() {
  return {
      {"numbers the threads of a grid", numbers_threads},
      {"sums within a block", sums_blocks},
      {"transposes through a tile", transposes},
      {"sums within a warp by shuffles", sums_warps},
      {"exchanges within a warp by __syncwarp", exchanges_in_a_warp},
      {"exchanges within half a warp", exchanges_in_half_a_warp},
      {"counts by atomics", counts_by_atomics},
      {"sums by the last block that arrives", sums_by_the_last_block},
      {"loads and stores four at a time", loads_and_stores_four},
      {"multiplies in TF32", [] { multiplies(product_tf32, 24, 11); }},
      {"multiplies in bf16", [] { multiplies(product_bf16, 48, 8); }},
      {"rounds to TF32", rounds_to_tf32},
      {"rounds to bf16", rounds_to_bf16},
      {"copies asynchronously through a ring", copies_asynchronously},
      {"votes", votes},
      {"runs in all orders", runs_in_all_orders},
      {"copies on the device", copies_on_the_device},
      {"counts the memory in use", counts_memory},
      {"records a stream and replays it", records_a_stream},
  };
}

}  // namespace doppel::cuda::test
