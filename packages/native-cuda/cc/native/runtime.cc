#include "runtime.h"

#include "../packed_cache.h"
#include "thread_pool.h"

namespace doppel {

NativeRuntime::NativeRuntime(const Runtime& of_device)
    : Runtime(of_device.pool()), threads_(ThreadPool::shared().threads()) {}
int NativeRuntime::threads() const { return threads_; }
void NativeRuntime::run(int tasks, Task f, void* context) { ThreadPool::shared().run(tasks, threads_, f, context); }

Scratch::Scratch(Runtime& runtime, size_t floats)
    : pool_(runtime.pool()),
      bytes_(floats * sizeof(float)),
      data_(bytes_ ? static_cast<float*>(pool_.take(bytes_)) : nullptr) {}
Scratch::~Scratch() {
  if (data_) pool_.give(data_, bytes_);
}
float* Scratch::data() const { return data_; }

PackedForm packed_form(PackedCache& cache, int kind, size_t floats) {
  for (const PackedCache::Entry& e : cache.entries) {
    if (e.kind == kind) return {e.data, false};
  }
  const size_t bytes = floats * sizeof(float);
  float* data = static_cast<float*>(cache.pool.take(bytes));
  cache.entries.push_back({kind, data, bytes});
  return {data, true};
}

}  // namespace doppel
