// The cards of this machine, by the CUDA runtime, which is linked in: the same addon loads where there is no driver.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>

#include "../device_pool.h"
#include "../nccl.h"
#include "../open.h"
#include "../runtime.cuh"
#include "../stream_capture.h"

namespace doppel::cuda {

namespace {

constexpr int least_capability = 80;  // of the code that is compiled in

class Event {
 public:
  Event() { DOPPEL_CUDA(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  void record(Stream stream) { DOPPEL_CUDA(cudaEventRecord(event_, stream)); }
  void wait() const { DOPPEL_CUDA(cudaEventSynchronize(event_)); }
  void hold_back(Stream stream) const { DOPPEL_CUDA(cudaStreamWaitEvent(stream, event_)); }

 private:
  cudaEvent_t event_{};
};

// Host memory that the card copies from and to without the processor's help.
class PinnedBlock {
 public:
  explicit PinnedBlock(size_t bytes) : bytes(bytes) { DOPPEL_CUDA(cudaHostAlloc(&data, bytes, cudaHostAllocDefault)); }
  PinnedBlock(const PinnedBlock&) = delete;
  PinnedBlock& operator=(const PinnedBlock&) = delete;
  ~PinnedBlock() { cudaFreeHost(data); }
  void* data = nullptr;
  const size_t bytes;
};

// The way up: two pinned blocks in turn, so that one is filled while the other is on its way.
class Staging {
 public:
  // Returns when `from` may be written to again; the copy is enqueued on the stream then.
  void upload(void* to, const void* from, size_t bytes, Stream stream) {
    for (size_t done = 0; done < bytes; done += chunk) {
      const size_t part = std::min(chunk, bytes - done);
      Slot& slot = slots_[next_];
      next_ ^= 1;
      slot.sent.wait();
      if (!slot.block || slot.block->bytes < part) slot.block = std::make_unique<PinnedBlock>(part);
      std::memcpy(slot.block->data, static_cast<const char*>(from) + done, part);
      DOPPEL_CUDA(
          cudaMemcpyAsync(static_cast<char*>(to) + done, slot.block->data, part, cudaMemcpyHostToDevice, stream));
      slot.sent.record(stream);
    }
  }

 private:
  static constexpr size_t chunk = size_t{16} << 20;
  struct Slot {
    std::unique_ptr<PinnedBlock> block;
    Event sent;  // an event that was never recorded is over
  };
  Slot slots_[2];
  int next_ = 0;
};

class CardReading : public Reading {
 public:
  CardReading(void* to, const void* from, size_t bytes, Stream stream) : to_(to), bytes_(bytes), block_(bytes) {
    DOPPEL_CUDA(cudaMemcpyAsync(block_.data, from, bytes, cudaMemcpyDeviceToHost, stream));
    arrived_.record(stream);
  }
  void finish() override {
    arrived_.wait();
    std::memcpy(to_, block_.data, bytes_);
  }

 private:
  void* to_;
  size_t bytes_;
  PinnedBlock block_;
  Event arrived_;
};

struct StreamOwner {
  StreamOwner() { DOPPEL_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)); }
  StreamOwner(const StreamOwner&) = delete;
  StreamOwner& operator=(const StreamOwner&) = delete;
  ~StreamOwner() { cudaStreamDestroy(stream); }
  Stream stream{};
};

std::string text_of(const cudaDeviceProp& card) {
  return std::string(card.name) + ", compute capability " + std::to_string(card.major) + "." +
         std::to_string(card.minor) + ", " + std::to_string(card.multiProcessorCount) + " multiprocessors, " +
         std::to_string(card.totalGlobalMem >> 20) + " MB";
}

std::string problem_of(int index, const cudaDeviceProp& card) {
  if (card.major * 10 + card.minor < least_capability) {
    return std::string(card.name) + " has compute capability " + std::to_string(card.major) + "." +
           std::to_string(card.minor) + "; 8.0 or later is needed";
  }
  int pools = 0;
  cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, index);
  return pools ? "" : std::string(card.name) + " has no memory pools (cudaMallocAsync) with this driver";
}

// The machine by its start, which containers share, and the card by its place on the bus.
std::string id_of(int index) {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  char place[32] = {};
  DOPPEL_CUDA(cudaDeviceGetPCIBusId(place, sizeof place, index));
  return boot + "/" + place;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// Why there are no cards.
std::string text_of(cudaError_t code) {
  int driver = 0;
  cudaDriverGetVersion(&driver);
  if (driver == 0) return "no NVIDIA driver is installed";
  if (code == cudaErrorInsufficientDriver) {
    return "the NVIDIA driver is too old: it serves CUDA " + version_text(driver) + ", and this build needs " +
           version_text(CUDART_VERSION / 1000 * 1000) + " or later";
  }
  if (code == cudaErrorNoDevice) return "the NVIDIA driver finds no GPU (is CUDA_VISIBLE_DEVICES set?)";
  return std::string("the NVIDIA driver reports: ") + cudaGetErrorString(code);
}

// So that a block that was freed stays with the process until `trim`.
void keep_freed_memory(int index) {
  cudaMemPool_t pool{};
  DOPPEL_CUDA(cudaDeviceGetDefaultMemPool(&pool, index));
  uint64_t all = UINT64_MAX;
  DOPPEL_CUDA(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
}

class CardDevice : public Device {
 public:
  CardDevice(int index, const cudaDeviceProp& card)
      : name_(text_of(card)),
        pool_(compute_.stream),
        runtime_(pool_, compute_.stream, card.multiProcessorCount),
        capture_(pool_, runtime_, copies_.stream) {
    keep_freed_memory(index);
  }
  ~CardDevice() override { cudaStreamSynchronize(compute_.stream); }

  std::string name() const override { return name_; }
  BlockPool& pool() override { return pool_; }
  Runtime& runtime() override { return runtime_; }
  const Ops& ops() const override { return table(); }
  bool is_host() const override { return false; }

  void upload(void* to, const void* from, size_t bytes) override { staging_.upload(to, from, bytes, compute_.stream); }

  // On a stream of its own, so that the next batch travels while the kernels of this one run.
  void* take_filled(const void* from, size_t bytes) override {
    void* block = pool_.take_on(copies_.stream, bytes);
    staging_.upload(block, from, bytes, copies_.stream);
    arrived_.record(copies_.stream);
    arrived_.hold_back(compute_.stream);
    return block;
  }

  void download(void* to, const void* from, size_t bytes) override { copy_to_host(to, from, bytes, compute_.stream); }

  std::unique_ptr<Reading> read(void* to, const void* from, size_t bytes) override {
    if (bytes == 0) return nullptr;
    return std::make_unique<CardReading>(to, from, bytes, compute_.stream);
  }
  Capture* capture() override { return &capture_; }

  std::string meeting_point() override { return nccl_meeting_point(); }
  std::unique_ptr<Collective> join(const std::string& meeting_point, int rank, int size) override {
    return join_nccl(meeting_point, rank, size, runtime_);
  }

 private:
  std::string name_;
  StreamOwner compute_, copies_;
  Event arrived_;
  Staging staging_;
  DevicePool pool_;
  DeviceRuntime runtime_;
  StreamCapture capture_;
};

}  // namespace

Cards cards() {
  Cards found{"cuda", "", {}};
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess || count == 0) {
    found.problem = text_of(code == cudaSuccess ? cudaErrorNoDevice : code);
    cudaGetLastError();
    return found;
  }
  for (int i = 0; i < count; i++) {
    cudaDeviceProp card{};
    const cudaError_t asked = cudaGetDeviceProperties(&card, i);
    if (asked == cudaSuccess) found.cards.push_back({text_of(card), problem_of(i, card), id_of(i)});
    else found.cards.push_back({"card " + std::to_string(i), cudaGetErrorString(asked), ""});
  }
  return found;
}

std::unique_ptr<Device> open(int index) {
  const Cards found = cards();
  if (!found.problem.empty()) throw std::runtime_error(found.problem);
  if (index < 0 || index >= static_cast<int>(found.cards.size())) {
    throw std::runtime_error("there is no card " + std::to_string(index) + "; there are " +
                             std::to_string(found.cards.size()) + ", counted from 0");
  }
  if (!found.cards[index].problem.empty()) throw std::runtime_error(found.cards[index].problem);
  DOPPEL_CUDA(cudaSetDevice(index));
  cudaDeviceProp card{};
  DOPPEL_CUDA(cudaGetDeviceProperties(&card, index));
  return std::make_unique<CardDevice>(index, card);
}

}  // namespace doppel::cuda
