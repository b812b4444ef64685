#include "../nccl.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>

#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

// The few names of nccl.h (version 2) that are used; its header need not be there to build.
struct UniqueId {
  char bytes[128];
};
using Communicator = struct ncclComm*;
constexpr int nccl_success = 0, nccl_float = 7;

class Nccl {
 public:
  // Throws where there is none.
  static const Nccl& loaded() {
    static const Nccl nccl;
    return nccl;
  }

  int (*get_unique_id)(UniqueId*);
  int (*init_rank)(Communicator*, int size, UniqueId, int rank);
  int (*destroy)(Communicator);
  int (*group_start)();
  int (*group_end)();
  int (*send)(const void*, size_t count, int type, int peer, Communicator, Stream);
  int (*receive)(void*, size_t count, int type, int peer, Communicator, Stream);
  const char* (*text_of)(int code);

  void check(int code, const char* call) const {
    if (code != nccl_success) throw std::runtime_error(std::string(call) + ": " + text_of(code));
  }

 private:
  Nccl() {
    handle_ = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!handle_) throw std::runtime_error(std::string("NCCL does not load: ") + dlerror());
    find(get_unique_id, "ncclGetUniqueId");
    find(init_rank, "ncclCommInitRank");
    find(destroy, "ncclCommDestroy");
    find(group_start, "ncclGroupStart");
    find(group_end, "ncclGroupEnd");
    find(send, "ncclSend");
    find(receive, "ncclRecv");
    find(text_of, "ncclGetErrorString");
  }

  template <class F> void find(F& function, const char* name) {
    void* found = dlsym(handle_, name);
    if (!found) throw std::runtime_error(std::string("NCCL has no ") + name + "; version 2.7 or later is needed");
    function = reinterpret_cast<F>(found);
  }

  void* handle_;
};

// Slices go to the process that adds them, and come back: ncclAllReduce chooses an order of its own.
class NcclCollective : public Collective {
 public:
  NcclCollective(const UniqueId& id, int rank, int size, Runtime& runtime)
      : nccl_(Nccl::loaded()), rank_(rank), size_(size), runtime_(runtime) {
    nccl_.check(nccl_.init_rank(&communicator_, size, id, rank), "ncclCommInitRank");
  }
  ~NcclCollective() override { nccl_.destroy(communicator_); }

  void all_reduce(float* values, int64_t count) override {
    const int64_t own = length(count, rank_);
    DeviceScratch<float> received(runtime_, own * size_);
    // Slice k to process k, and from each its values of the own slice.
    exchange([&](int peer) {
      send(values + start(count, peer), length(count, peer), peer);
      receive(received.data() + peer * own, own, peer);
    });
    std::vector<const float*> parts(size_);
    for (int k = 0; k < size_; k++) parts[k] = received.data() + k * own;
    add_n({size_, own, parts.data(), values + start(count, rank_)}, runtime_);
    exchange([&](int peer) {
      if (peer == rank_) return;
      send(values + start(count, rank_), own, peer);
      receive(values + start(count, peer), length(count, peer), peer);
    });
  }

 private:
  int64_t start(int64_t count, int k) const { return count * k / size_; }
  int64_t length(int64_t count, int k) const { return start(count, k + 1) - start(count, k); }

  // All at once: one after the other they would wait for each other.
  template <class F> void exchange(const F& with) {
    nccl_.check(nccl_.group_start(), "ncclGroupStart");
    for (int peer = 0; peer < size_; peer++) with(peer);
    nccl_.check(nccl_.group_end(), "ncclGroupEnd");
  }
  void send(const float* from, int64_t count, int peer) {
    const Stream stream = stream_of(runtime_);
    nccl_.check(nccl_.send(from, static_cast<size_t>(count), nccl_float, peer, communicator_, stream), "ncclSend");
  }
  void receive(float* to, int64_t count, int peer) {
    const Stream stream = stream_of(runtime_);
    nccl_.check(nccl_.receive(to, static_cast<size_t>(count), nccl_float, peer, communicator_, stream), "ncclRecv");
  }

  const Nccl& nccl_;
  const int rank_, size_;
  Runtime& runtime_;
  Communicator communicator_{};
};

}  // namespace

std::string nccl_meeting_point() {
  const Nccl& nccl = Nccl::loaded();
  UniqueId id{};
  nccl.check(nccl.get_unique_id(&id), "ncclGetUniqueId");
  return std::string(id.bytes, sizeof id.bytes);
}

std::unique_ptr<Collective> join_nccl(const std::string& meeting_point, int rank, int size, Runtime& runtime) {
  UniqueId id{};
  if (meeting_point.size() != sizeof id.bytes) throw std::runtime_error("this is no meeting point of NCCL");
  std::memcpy(id.bytes, meeting_point.data(), sizeof id.bytes);
  return std::make_unique<NcclCollective>(id, rank, size, runtime);
}

}  // namespace doppel::cuda
