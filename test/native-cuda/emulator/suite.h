// The emulator's own test: cases with a name, memory that frees itself, and what is expected.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "../../../packages/native-cuda/cc/cuda/device.cuh"

namespace doppel::cuda::test {

struct Case {
  const char* name;
  std::function<void()> run;  // throws if it fails
};

std::vector<Case> features();
std::vector<Case> faults();

// A buffer on the device, of unwritten elements or of given values.
template <class T> class Device {
 public:
  explicit Device(size_t count) : data(static_cast<T*>(device_malloc(count * sizeof(T)))), count_(count) {}
  Device(const std::vector<T>& values) : Device(values.size()) {
    copy_to_device(data, values.data(), values.size() * sizeof(T));
  }
  ~Device() {
    if (data) device_free(data);
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  Global<T> view() const { return {data, static_cast<int64_t>(count_)}; }
  Global<const T> in() const { return view(); }
  std::vector<T> values() const {
    std::vector<T> out(count_);
    copy_to_host(out.data(), data, count_ * sizeof(T));
    return out;
  }

  T* data;

 private:
  size_t count_;
};

inline void expect(bool holds, const std::string& otherwise) {
  if (!holds) throw std::runtime_error(otherwise);
}

template <class T> void expect_equal(const std::vector<T>& found, const std::vector<T>& expected) {
  expect(found.size() == expected.size(),
         "expected " + std::to_string(expected.size()) + " elements, found " + std::to_string(found.size()));
  for (size_t i = 0; i < found.size(); i++) {
    expect(found[i] == expected[i], "element " + std::to_string(i) + ": expected " + std::to_string(expected[i]) +
                                        ", found " + std::to_string(found[i]));
  }
}

// Numbers between -1 and 1 that have `bits` bits of mantissa, the same for the same seed.
std::vector<float> random_values(size_t count, int bits = 24, unsigned seed = 1);

}  // namespace doppel::cuda::test
