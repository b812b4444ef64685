#include "buffers.h"

#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>

namespace doppel::cuda {

namespace emulator {
namespace {

constexpr size_t alignment = 256;                      // that of cudaMalloc
constexpr size_t quarantine_bytes = size_t{64} << 20;  // freed memory that is held back, to notice who still uses it

struct Buffer {
  int number;
  size_t bytes;
  unsigned char* data;
  std::unique_ptr<uint8_t[]> shadow;
  std::unique_ptr<Writer[], decltype(&std::free)> writers;
  bool in_use = true;
};

struct Buffers {
  std::mutex mutex;
  std::map<const unsigned char*, Buffer> by_start;
  std::deque<const unsigned char*> quarantine;
  size_t quarantined = 0;
  int made = 0;
  DeviceMemory in_use{0, 0};

  // The buffer that `data` points into or just past the end of.
  Buffer* find(const void* data) {
    const auto after = by_start.upper_bound(static_cast<const unsigned char*>(data));
    if (after == by_start.begin()) return nullptr;
    Buffer& buffer = std::prev(after)->second;
    return data <= buffer.data + buffer.bytes ? &buffer : nullptr;
  }

  void drop_oldest() {
    const auto oldest = by_start.find(quarantine.front());
    quarantine.pop_front();
    quarantined -= oldest->second.bytes;
    ::operator delete (oldest->second.data, std::align_val_t{alignment});
    by_start.erase(oldest);
  }
};

// Never destroyed: other threads may still hold device memory when the process ends.
Buffers& buffers() {
  static Buffers& all = *new Buffers;
  return all;
}

std::string name_of(const Buffer& buffer) {
  return "buffer " + std::to_string(buffer.number) + " of " + std::to_string(buffer.bytes) + " bytes";
}

}  // namespace

Shadow shadow_of(const void* data, size_t bytes, const Place& place) {
  Buffers& all = buffers();
  const std::lock_guard lock(all.mutex);
  const Buffer* buffer = all.find(data);
  const std::string wanted = std::to_string(bytes) + " bytes of device memory";
  if (!buffer)
    fail(FaultKind::out_of_bounds, wanted + " wanted at an address that device_malloc did not give. Is it the host's?",
         place);
  if (!buffer->in_use)
    fail(FaultKind::freed,
         wanted + " wanted in " + name_of(*buffer) + ", which was given back. Free it after its last use.", place);
  const size_t offset = static_cast<size_t>(static_cast<const unsigned char*>(data) - buffer->data);
  if (bytes > buffer->bytes - offset) {
    fail(FaultKind::out_of_bounds,
         wanted + " wanted from byte " + std::to_string(offset) + " of " + name_of(*buffer) + ": they end past it.",
         place);
  }
  return {buffer->shadow.get() + offset, buffer->writers.get() + offset / 4};
}

std::string text_of(const void* data) {
  Buffers& all = buffers();
  const std::lock_guard lock(all.mutex);
  const Buffer* buffer = all.find(data);
  if (!buffer) return "no buffer";
  return "byte " + std::to_string(static_cast<const unsigned char*>(data) - buffer->data) + " of " + name_of(*buffer);
}

}  // namespace emulator

using emulator::Place;

void* device_malloc(size_t bytes, Stream stream) {
  emulator::refuse_recording(stream, "device_malloc", Place::current());
  auto* data = static_cast<unsigned char*>(::operator new (bytes + 1, std::align_val_t{emulator::alignment}));
  std::memset(data, 0xff, bytes);  // a NaN to whoever gets round the checks
  auto& all = emulator::buffers();
  const std::lock_guard lock(all.mutex);
  // From calloc: pages that no kernel writes to cost nothing.
  auto* writers = static_cast<emulator::Writer*>(std::calloc(bytes / 4 + 1, sizeof(emulator::Writer)));
  if (!writers) throw std::bad_alloc();
  all.by_start.insert_or_assign(
      data, emulator::Buffer{++all.made, bytes, data, std::make_unique<uint8_t[]>(bytes + 1), {writers, &std::free}});
  all.in_use.buffers++, all.in_use.bytes += bytes;
  return data;
}

DeviceSpace device_space() {
  const char* limit = std::getenv("DOPPEL_EMULATOR_BYTES");
  const size_t total = limit ? std::strtoull(limit, nullptr, 10) : size_t{1} << 30;
  const size_t used = device_memory_in_use().bytes;
  return {used < total ? total - used : 0, total};
}

void* try_device_malloc(size_t bytes, Stream stream) {
  return bytes <= device_space().free ? device_malloc(bytes, stream) : nullptr;
}

void release_idle_memory(Stream stream) { emulator::refuse_recording(stream, "release_idle_memory", Place::current()); }

void synchronize(Stream stream) { emulator::refuse_recording(stream, "synchronize", Place::current()); }

void device_free(void* data, Stream stream) {
  emulator::refuse_recording(stream, "device_free", Place::current());
  if (!data) return;
  auto& all = emulator::buffers();
  const std::lock_guard lock(all.mutex);
  const auto found = all.by_start.find(static_cast<unsigned char*>(data));
  if (found == all.by_start.end())
    emulator::fail(FaultKind::freed, "device_free of an address that device_malloc did not give.", Place::current());
  emulator::Buffer& buffer = found->second;
  if (!buffer.in_use)
    emulator::fail(FaultKind::freed, "device_free of " + emulator::name_of(buffer) + " for the second time.",
                   Place::current());
  buffer.in_use = false;
  all.in_use.buffers--, all.in_use.bytes -= buffer.bytes;
  std::memset(buffer.shadow.get(), emulator::freed, buffer.bytes);
  all.quarantine.push_back(buffer.data);
  all.quarantined += buffer.bytes;
  while (all.quarantined > emulator::quarantine_bytes) all.drop_oldest();
}

DeviceMemory device_memory_in_use() {
  auto& all = emulator::buffers();
  const std::lock_guard lock(all.mutex);
  return all.in_use;
}

void copy_to_device(void* to, const void* from, size_t bytes, Stream stream) {
  emulator::refuse_recording(stream, "copy_to_device", Place::current());
  if (bytes == 0) return;
  std::memset(emulator::shadow_of(to, bytes, Place::current()).bytes, emulator::written, bytes);
  std::memcpy(to, from, bytes);
}

void copy_to_host(void* to, const void* from, size_t bytes, Stream stream) {
  emulator::refuse_recording(stream, "copy_to_host", Place::current());
  if (bytes == 0) return;
  const uint8_t* shadow = emulator::shadow_of(from, bytes, Place::current()).bytes;
  if (const void* hole = std::memchr(shadow, 0, bytes)) {
    const auto offset = static_cast<const uint8_t*>(hole) - shadow;
    emulator::fail(FaultKind::unwritten,
                   "copy_to_host of " + std::to_string(bytes) + " bytes: nobody wrote " +
                       emulator::text_of(static_cast<const char*>(from) + offset) +
                       ". "
                       "Copy only what the kernels fill, or let them fill all.",
                   Place::current());
  }
  std::memcpy(to, from, bytes);
}

// What was not written stays so.
void copy_on_device(void* to, const void* from, size_t bytes, Stream stream) {
  if (bytes == 0) return;
  emulator::run_or_record(stream, [=] {
    const uint8_t* shadow = emulator::shadow_of(from, bytes, Place::current()).bytes;
    std::memmove(emulator::shadow_of(to, bytes, Place::current()).bytes, shadow, bytes);
    std::memmove(to, from, bytes);
  });
}

void fill_bytes(void* to, unsigned char value, size_t bytes, Stream stream) {
  if (bytes == 0) return;
  emulator::run_or_record(stream, [=] {
    std::memset(emulator::shadow_of(to, bytes, Place::current()).bytes, emulator::written, bytes);
    std::memset(to, value, bytes);
  });
}

}  // namespace doppel::cuda
