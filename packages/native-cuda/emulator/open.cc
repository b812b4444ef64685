// The emulator as a device of the addon, for tests. Its work is done when a call returns, but for readings, which
// finish on another thread as those of a card do.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../cc/cuda/device_pool.h"
#include "../cc/cuda/open.h"
#include "../cc/cuda/runtime.cuh"
#include "../cc/cuda/stream_capture.h"

namespace doppel::cuda {

namespace {

const char* const text = "the emulator of CUDA, for tests";

class EmulatedReading : public Reading {
 public:
  EmulatedReading(void* to, const void* from, size_t bytes, Stream stream) : to_(to), bytes_(bytes) {
    copy_to_host(bytes_.data(), from, bytes, stream);
  }
  void finish() override { std::memcpy(to_, bytes_.data(), bytes_.size()); }

 private:
  void* to_;
  std::vector<char> bytes_;
};

class EmulatedDevice : public Device {
 public:
  EmulatedDevice() : pool_(&stream_), runtime_(pool_, &stream_, 1), capture_(pool_, runtime_, nullptr) {}

  std::string name() const override { return text; }
  BlockPool& pool() override { return pool_; }
  Runtime& runtime() override { return runtime_; }
  const Ops& ops() const override { return table(); }
  bool is_host() const override { return false; }

  void upload(void* to, const void* from, size_t bytes) override { copy_to_device(to, from, bytes, &stream_); }
  void download(void* to, const void* from, size_t bytes) override { copy_to_host(to, from, bytes, &stream_); }
  std::unique_ptr<Reading> read(void* to, const void* from, size_t bytes) override {
    if (bytes == 0) return nullptr;
    return std::make_unique<EmulatedReading>(to, from, bytes, &stream_);
  }
  Capture* capture() override { return &capture_; }

 private:
  EmulatedStream stream_;
  DevicePool pool_;
  DeviceRuntime runtime_;
  StreamCapture capture_;
};

}  // namespace

Cards cards() { return {"cuda-emulated", "", {{text, "", "emulator"}}}; }

std::unique_ptr<Device> open(int index) {
  if (index != 0) throw std::runtime_error("the emulator has one card, number 0");
  return std::make_unique<EmulatedDevice>();
}

}  // namespace doppel::cuda
