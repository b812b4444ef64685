// Collectives of processes that an MPI launcher started, for one JavaScript thread. Built by mpicxx, so that it fits
// the MPI of the machine, whose handles differ between Open MPI and MPICH; nothing else of doppel knows MPI.
//
// Sums are taken in the order of ranks: slices go to the process that adds them, and come back. MPI_Allreduce may add
// in an order of its own choice.
#include <mpi.h>
#include <napi.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

MPI_Comm all = MPI_COMM_NULL;
int rank = 0, size = 1;
bool is_open = false, is_peer_gone = false;

// Where a process runs: those on this machine can be looked after.
struct Peer {
  char host[256];
  char ids[64];  // name space of its process id: in a container of its own the id means another process, or none
  pid_t pid;
  bool is_seen;
};
std::vector<Peer> peers;

void check(int code, const char* action) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw std::runtime_error(std::string(action) + ": " + std::string(text, length));
}

// A process of this machine that ended is an error: the collective would wait for it for ever.
void look_after_peers() {
  for (int k = 0; k < size; k++) {
    if (!peers[k].is_seen) continue;
    is_peer_gone = kill(peers[k].pid, 0) != 0 && errno == ESRCH;
    if (is_peer_gone)
      throw std::runtime_error("process " + std::to_string(k) + " (" + std::to_string(peers[k].pid) + " on " +
                               peers[k].host + ") is gone");
  }
}

// Waiting for others to arrive, which may take long, or for data that moves only as fast as it is asked for.
enum class Wait { arrival, data };

// Waits without taking a processor from those that are waited for: at once, then in turns, then asleep.
void wait_for(MPI_Request& request, const char* action, Wait wait) {
  const auto awake = wait == Wait::arrival ? std::chrono::milliseconds(2) : std::chrono::milliseconds(1000);
  const auto start = Clock::now();
  auto looked = start;
  for (;;) {
    int done = 0;
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), action);
    if (done) return;
    const auto now = Clock::now();
    if (now - start < std::chrono::microseconds(50)) continue;
    if (now - looked > std::chrono::milliseconds(200)) {
      look_after_peers();
      looked = now;
    }
    if (now - start < awake) {
      sched_yield();
    } else {
      const timespec pause{0, 100'000};
      nanosleep(&pause, nullptr);
    }
  }
}

int as_int(size_t count) {
  if (count > static_cast<size_t>(std::numeric_limits<int>::max()))
    throw std::runtime_error(std::to_string(count) + " elements are more than MPI counts to");
  return static_cast<int>(count);
}

// Where each count begins.
std::vector<int> starts_of(const std::vector<int>& counts) {
  std::vector<int> starts(counts.size(), 0);
  size_t total = 0;
  for (size_t k = 0; k < counts.size(); k++) starts[k] = as_int(total), total += counts[k];
  as_int(total);
  return starts;
}

// Counts of all processes.
std::vector<int> exchange_counts(int own) {
  std::vector<int> counts(size);
  MPI_Request request;
  check(MPI_Iallgather(&own, 1, MPI_INT, counts.data(), 1, MPI_INT, all, &request), "gather counts");
  wait_for(request, "gather counts", Wait::arrival);
  return counts;
}

// Adds the values of each process, element by element, in the order of ranks.
void add_in_order(const float* received, int count, float* sums) {
  constexpr int block = 512;
  double totals[block];
  for (int from = 0; from < count; from += block) {
    const int n = std::min(block, count - from);
    for (int i = 0; i < n; i++) totals[i] = received[from + i];
    for (int k = 1; k < size; k++) {
      const float* values = received + static_cast<size_t>(k) * count + from;
      for (int i = 0; i < n; i++) totals[i] += values[i];
    }
    for (int i = 0; i < n; i++) sums[from + i] = static_cast<float>(totals[i]);
  }
}

void all_reduce(float* values, size_t count) {
  static std::vector<float> received;
  std::vector<int> counts(size);
  for (int k = 0; k < size; k++) counts[k] = as_int(count * (k + 1) / size - count * k / size);
  const std::vector<int> starts = starts_of(counts);
  const int own = counts[rank];
  const std::vector<int> from_each(size, own), own_starts = starts_of(from_each);
  received.resize(static_cast<size_t>(own) * size);
  MPI_Request request;
  check(MPI_Ibarrier(all, &request), "meet");
  wait_for(request, "meet", Wait::arrival);
  check(MPI_Ialltoallv(values, counts.data(), starts.data(), MPI_FLOAT, received.data(), from_each.data(),
                       own_starts.data(), MPI_FLOAT, all, &request),
        "exchange slices");
  wait_for(request, "exchange slices", Wait::data);
  add_in_order(received.data(), own, values + starts[rank]);
  check(MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, values, counts.data(), starts.data(), MPI_FLOAT, all,
                        &request),
        "gather sums");
  wait_for(request, "gather sums", Wait::data);
}

// Runs what may throw; an error of MPI, or of a process that is gone, becomes one of JavaScript.
template <class F> Napi::Value guarded(const Napi::CallbackInfo& info, const F& run) {
  try {
    if (!is_open) throw std::runtime_error("MPI is not started, or finished");
    return run();
  } catch (const std::exception& error) { throw Napi::Error::New(info.Env(), error.what()); }
}

Napi::String library(const Napi::CallbackInfo& info) {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  return Napi::String::New(info.Env(), text, length);
}

void introduce() {
  Peer own{};
  gethostname(own.host, sizeof own.host - 1);
  own.pid = getpid();
  (void)!readlink("/proc/self/ns/pid", own.ids, sizeof own.ids - 1);
  peers.resize(size);
  check(MPI_Allgather(&own, sizeof own, MPI_BYTE, peers.data(), sizeof own, MPI_BYTE, all), "gather names");
  for (int k = 0; k < size; k++) {
    const bool is_here = !std::strcmp(peers[k].host, own.host) && !std::strcmp(peers[k].ids, own.ids);
    peers[k].is_seen = k != rank && is_here && kill(peers[k].pid, 0) == 0;
  }
}

// start(): { rank, size }
Napi::Value start(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    if (!is_open) {
      int provided = 0;
      check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "start MPI");
      check(MPI_Comm_dup(MPI_COMM_WORLD, &all), "start MPI");
      MPI_Comm_set_errhandler(all, MPI_ERRORS_RETURN);
      MPI_Comm_rank(all, &rank);
      MPI_Comm_size(all, &size);
      introduce();
      is_open = true;
    }
  } catch (const std::exception& error) { throw Napi::Error::New(env, error.what()); }
  Napi::Object who = Napi::Object::New(env);
  who.Set("rank", rank);
  who.Set("size", size);
  return who;
}

// allReduce(Float32Array), in place
Napi::Value reduce(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    auto values = info[0].As<Napi::Float32Array>();
    if (size > 1) all_reduce(values.Data(), values.ElementLength());
    return info.Env().Undefined();
  });
}

// allGather(Uint8Array): an array of Uint8Array, by rank
Napi::Value gather(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto own = info[0].As<Napi::Uint8Array>();
    const std::vector<int> counts = exchange_counts(as_int(own.ElementLength()));
    const std::vector<int> starts = starts_of(counts);
    auto bytes = Napi::ArrayBuffer::New(info.Env(), static_cast<size_t>(starts.back()) + counts.back());
    MPI_Request request;
    check(MPI_Iallgatherv(own.Data(), counts[rank], MPI_BYTE, bytes.Data(), counts.data(), starts.data(), MPI_BYTE, all,
                          &request),
          "gather bytes");
    wait_for(request, "gather bytes", Wait::data);
    Napi::Array parts = Napi::Array::New(info.Env(), size);
    for (int k = 0; k < size; k++)
      parts.Set(k, Napi::Uint8Array::New(info.Env(), counts[k], bytes, static_cast<size_t>(starts[k])));
    return parts;
  });
}

// abort(code): ends every process. Where one is gone its launcher ends the others, and MPI_Abort would wait for it.
Napi::Value abort_all(const Napi::CallbackInfo& info) {
  if (is_peer_gone) _exit(info[0].As<Napi::Number>().Int32Value());
  if (is_open) MPI_Abort(all, info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

// isPeerGone(): whether that was the reason of an error
Napi::Value peer_gone(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), is_peer_gone); }

// finish(): waits for the others
Napi::Value finish(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    is_open = false;
    MPI_Comm_free(&all);
    MPI_Finalize();
    return info.Env().Undefined();
  });
}

Napi::Object define(Napi::Env env, Napi::Object exports) {
  exports.Set("library", Napi::Function::New(env, library));
  exports.Set("start", Napi::Function::New(env, start));
  exports.Set("allReduce", Napi::Function::New(env, reduce));
  exports.Set("allGather", Napi::Function::New(env, gather));
  exports.Set("abort", Napi::Function::New(env, abort_all));
  exports.Set("isPeerGone", Napi::Function::New(env, peer_gone));
  exports.Set("finish", Napi::Function::New(env, finish));
  return exports;
}

}  // namespace

NODE_API_MODULE(doppel_mpi, define)
