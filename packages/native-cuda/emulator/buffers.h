// "Device" memory: host memory with a shadow byte for every byte, which tells whether it was written or given back.
#pragma once
#include <cstddef>
#include <cstdint>

#include "global_race.h"
#include "stream.h"

namespace doppel::cuda {

void* device_malloc(size_t bytes, Stream stream = nullptr);
// Null where more than DOPPEL_EMULATOR_BYTES would be in use.
void* try_device_malloc(size_t bytes, Stream stream = nullptr);
void device_free(void* data, Stream stream = nullptr);
void copy_to_device(void* to, const void* from, size_t bytes, Stream stream = nullptr);
// Every byte must have been written.
void copy_to_host(void* to, const void* from, size_t bytes, Stream stream = nullptr);
void copy_on_device(void* to, const void* from, size_t bytes, Stream stream = nullptr);
void fill_bytes(void* to, unsigned char value, size_t bytes, Stream stream = nullptr);

struct DeviceMemory {
  int buffers;
  size_t bytes;
};
DeviceMemory device_memory_in_use();  // of the emulator only: what was allocated and not given back

struct DeviceSpace {
  size_t free, total;
};
DeviceSpace device_space();  // total: DOPPEL_EMULATOR_BYTES, or 1 GiB

void release_idle_memory(Stream stream = nullptr);
void synchronize(Stream stream = nullptr);

namespace emulator {

// Bits of a shadow byte. A byte of a buffer that was given back keeps its shadow for as long as the quarantine lasts.
constexpr uint8_t written = 1, freed = 2;

struct Shadow {
  uint8_t* bytes = nullptr;   // one a byte
  Writer* writers = nullptr;  // one a word of 4 bytes, the first the word that `data` is in
};

// The shadow of what starts at `data`; a Fault unless all `bytes` belong to one buffer in use.
Shadow shadow_of(const void* data, size_t bytes, const Place& place);

// "byte 4096 of buffer 3, which has 4096"
std::string text_of(const void* data);

}  // namespace emulator
}  // namespace doppel::cuda
