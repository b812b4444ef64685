// What device.cuh gives a kernel file when nvcc compiles it: views that cost nothing, launches that are checked, and
// the instructions that C++ has no name for. The emulator's headers have the same names.
#pragma once
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "check.h"
#include "stream.h"

#define launch(...) ::doppel::cuda::launch_kernel({#__VA_ARGS__, __FILE__, __LINE__}, __VA_ARGS__)

// An array of a size that is known when compiling, one for all threads of the block.
#define DOPPEL_SHARED(T, name, count)             \
  __shared__ __align__(16) T name##_array[count]; \
  const ::doppel::cuda::Shared<T> name(name##_array)

namespace doppel::cuda {

// Memory of the card, in the order of the stream. Copies to and from the host return when the host's memory is free
// again.
inline void* device_malloc(size_t bytes, Stream stream = nullptr) {
  void* data = nullptr;
  DOPPEL_CUDA(cudaMallocAsync(&data, bytes, stream));
  return data;
}
// Null where the card has not so much left.
inline void* try_device_malloc(size_t bytes, Stream stream = nullptr) {
  void* data = nullptr;
  const cudaError_t code = cudaMallocAsync(&data, bytes, stream);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(code, {"cudaMallocAsync", __FILE__, __LINE__});
  return data;
}
inline void device_free(void* data, Stream stream = nullptr) { DOPPEL_CUDA(cudaFreeAsync(data, stream)); }

struct DeviceSpace {
  size_t free, total;
};
inline DeviceSpace device_space() {
  DeviceSpace space{};
  DOPPEL_CUDA(cudaMemGetInfo(&space.free, &space.total));
  return space;
}

// Gives back to the system what was freed and is kept for reuse.
inline void release_idle_memory(Stream stream = nullptr) {
  int device = 0;
  cudaMemPool_t pool{};
  DOPPEL_CUDA(cudaStreamSynchronize(stream));
  DOPPEL_CUDA(cudaGetDevice(&device));
  DOPPEL_CUDA(cudaDeviceGetDefaultMemPool(&pool, device));
  DOPPEL_CUDA(cudaMemPoolTrimTo(pool, 0));
}

inline void synchronize(Stream stream = nullptr) { DOPPEL_CUDA(cudaStreamSynchronize(stream)); }
inline void copy_to_device(void* to, const void* from, size_t bytes, Stream stream = nullptr) {
  DOPPEL_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
  synchronize(stream);
}
inline void copy_to_host(void* to, const void* from, size_t bytes, Stream stream = nullptr) {
  DOPPEL_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
  synchronize(stream);
}
inline void copy_on_device(void* to, const void* from, size_t bytes, Stream stream = nullptr) {
  DOPPEL_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream));
}
inline void fill_bytes(void* to, unsigned char value, size_t bytes, Stream stream = nullptr) {
  DOPPEL_CUDA(cudaMemsetAsync(to, value, bytes, stream));
}

template <class... Parameters, class... Arguments>
void launch_kernel(const LaunchSite& site, void (*kernel)(Parameters...), dim3 grid, dim3 block, Stream stream,
                   Arguments&&... arguments) {
  static_assert((std::is_trivially_copyable_v<Parameters> && ...),
                "a kernel's parameters are copied to the card byte by byte");
  kernel<<<grid, block, 0, stream>>>(static_cast<Parameters>(arguments)...);
  check(cudaGetLastError(), site);
}

template <class T> struct FourOf;
template <> struct FourOf<float> { using type = float4; };
template <> struct FourOf<int> { using type = int4; };
template <> struct FourOf<unsigned> { using type = uint4; };

// Elements of memory from a pointer on.
template <class T> struct View {
  T* data = nullptr;

  // An index keeps its type: 32 bits where the caller has 32.
  template <class I> __device__ __forceinline__ T& operator[](I i) const { return data[i]; }
  // Several elements from the i-th on as one V (float4, uint2 …): their address must be a multiple of V's size.
  template <class V, class I> __device__ __forceinline__ V load(I i) const {
    return *reinterpret_cast<const V*>(data + i);
  }
  template <class V, class I> __device__ __forceinline__ void store(I i, V value) const {
    *reinterpret_cast<V*>(data + i) = value;
  }
  template <class I> __device__ __forceinline__ auto load4(I i) const {
    return load<typename FourOf<std::remove_const_t<T>>::type>(i);
  }
  template <class I, class V> __device__ __forceinline__ void store4(I i, V value) const {
    store<typename FourOf<T>::type>(i, value);
  }
};

// Elements of global memory, made on the host from a pointer and their number, passed to kernels by value.
template <class T> struct Global : View<T> {
  Global() = default;
  __host__ __device__ Global(T* data, int64_t) : View<T>{data} {}
  // What may be written may be read.
  template <class U>
  requires std::is_same_v<const U, T> __host__ __device__ Global(const Global<U>& other) : View<T>{other.data} {}
  __host__ __device__ explicit operator bool() const { return this->data != nullptr; }
  __host__ __device__ __forceinline__ Global operator+(int64_t n) const { return Global(this->data + n, 0); }
};

// An array of shared memory, or what begins within one.
template <class T> struct Shared : View<T> {
  __device__ __forceinline__ explicit Shared(T* data) : View<T>{data} {}
  __device__ __forceinline__ Shared operator+(int64_t n) const { return Shared(this->data + n); }
};

// Copies 16 bytes from where `from` begins to where `to` begins, or writes zeros if `valid` is false: `from` is not
// read then.
template <class T, class S>
__device__ __forceinline__ void cp_async_16(const Shared<T>& to, const Global<S>& from, bool valid) {
  static_assert(std::is_same_v<T, std::remove_const_t<S>>, "cp_async_16 copies between views of one type");
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to.data));
  const int bytes = valid ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from.data), "r"(bytes) : "memory");
}

// Closes a group: the copies issued since the last one.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Until at most the newest N groups of this thread are under way.
template <int N> __device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

// The nearest number with 10 bits of mantissa, ties away from zero, as the bits of a float.
__device__ __forceinline__ uint32_t to_tf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

// Two numbers rounded to bf16 in one register, `low` in the lower half.
__device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// d[16×8] += a[16×8]·b[8×8], operands made by to_tf32.
__device__ __forceinline__ void mma_tf32_16x8x8(float d[4], const uint32_t a[4], const uint32_t b[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// d[16×8] += a[16×16]·b[16×8], two bf16 a register.
__device__ __forceinline__ void mma_bf16_16x8x16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace doppel::cuda
