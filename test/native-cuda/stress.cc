// Runs the ops of every instruction set from several threads at once, without JavaScript around them, and compares them
// with the plain C++ ones: for AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer
// (packages/native-cuda/scripts/sanitize.mjs).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "native/isa.h"
#include "native/memory_pool.h"
#include "native/op_capture.h"
#include "packed_cache.h"
#include "native/runtime.h"
#include "native/thread_pool.h"

using namespace doppel;

namespace {

using Values = std::vector<float>;

struct Device {
  MemoryPool pool;
  Runtime runtime{pool};
  const Ops* ops;
  uint64_t draws = 0;
  explicit Device(const Ops* ops) : ops(ops) {}
  Values normal(size_t count) {
    Values out(count + MemoryPool::slack / 4);  // what a block of the pool has past its end
    ops->philox({true, 1, draws += 1000000, static_cast<int64_t>(count), out.data()}, runtime);
    out.resize(count + MemoryPool::slack / 4);
    return out;
  }
};

struct Case {
  int n, h, w, ci, co, k, stride, top;
  bool same;
};

const Case cases[] = {
    {2, 17, 13, 1, 32, 3, 1, 1, true}, {3, 24, 20, 32, 48, 3, 1, 1, true},  {2, 13, 14, 5, 7, 3, 2, 1, true},
    {1, 9, 9, 65, 33, 3, 1, 1, true},  {2, 8, 8, 17, 33, 1, 1, 0, true},    {1, 12, 11, 3, 4, 5, 1, 0, false},
    {2, 8, 8, 4, 5, 2, 3, 0, false},   {4, 19, 23, 16, 64, 3, 1, 0, false}, {1, 16, 16, 32, 64, 3, 1, 1, true},
};

Values convolution(Device& d, const Case& c, ActivationKind kind) {
  const int oh = c.same ? (c.h + c.stride - 1) / c.stride : (c.h - c.k) / c.stride + 1,
            ow = c.same ? (c.w + c.stride - 1) / c.stride : (c.w - c.k) / c.stride + 1;
  const Conv2DShape s{c.n, c.h, c.w, c.ci, c.k, c.k, c.co, oh, ow, c.stride, c.top, c.top};
  const Activation activation{kind, kind == ActivationKind::leakyrelu ? 0.2f : 0.f};
  const size_t xs = size_t(c.n) * c.h * c.w * c.ci, fs = size_t(c.k) * c.k * c.ci * c.co,
               ys = size_t(c.n) * oh * ow * c.co;
  d.draws = 0;
  const Values x = d.normal(xs), f = d.normal(fs), b = d.normal(c.co), dy = d.normal(ys);
  Values y(ys + 64), dx(xs), df(fs), db(c.co);
  PackedCache cache(d.pool);
  for (int twice = 0; twice < 2; twice++)
    d.ops->conv2d({s, activation, x.data(), f.data(), b.data(), y.data(), &cache}, d.runtime);
  d.ops->conv2d_backprop({s, activation, dy.data(), x.data(), f.data(), y.data(), dx.data(), df.data(), db.data()},
                         d.runtime);
  y.resize(ys);
  for (const Values* more : {&dx, &df, &db}) y.insert(y.end(), more->begin(), more->end());
  return y;
}

Values rest(Device& d) {
  d.draws = 0;
  Values out;
  const Values x = d.normal(4 * 12 * 10 * 37), dy = d.normal(4 * 12 * 10 * 37), gamma = d.normal(37),
               beta = d.normal(37);
  Values y(x.size()), mean(37), variance(37), dx(x.size()), pooled(4 * 6 * 5 * 37), back(x.size());
  const int64_t rows = 4 * 12 * 10;
  auto keep = [&](const Values& v, size_t count) {
    out.insert(out.end(), v.begin(), v.begin() + static_cast<int64_t>(count));
  };
  d.ops->batch_norm({rows,
                     37,
                     1e-5f,
                     {ActivationKind::relu, 0},
                     x.data(),
                     gamma.data(),
                     beta.data(),
                     y.data(),
                     mean.data(),
                     variance.data()},
                    d.runtime);
  keep(y, rows * 37);
  const PoolShape s{4, 12, 10, 37, 6, 5, 2, 2, 2, 2, 0, 0};
  for (const bool max : {true, false}) {
    d.ops->pool({s, max, x.data(), pooled.data()}, d.runtime);
    d.ops->pool_grad({s, max, pooled.data(), x.data(), back.data()}, d.runtime);
    keep(pooled, pooled.size());
    keep(back, rows * 37);
  }
  d.ops->pixel_norm({rows, 37, 1e-8f, 1 / 37.f, dy.data(), x.data(), dx.data()}, d.runtime);
  keep(dx, rows * 37);
  Values sums(37);
  d.ops->reduce({ReduceOp::sum, Type::float32, 1, rows, 37, x.data(), sums.data()}, d.runtime);
  keep(sums, 37);
  Values product(60 * 70);
  d.ops->matmul({1, 60, 37, 70, true, true, false, false, {}, x.data(), dy.data(), gamma.data(), product.data()},
                d.runtime);
  keep(product, product.size());
  const CorrelateShape places{8, 9, 7, 5, 3, 30, 26};
  const Values templates = d.normal(places.templates_count()), windows = d.normal(places.windows_count());
  Values maps(places.maps_count() + 64), dtemplates(places.templates_count()), dwindows(places.windows_count());
  d.ops->correlate({places, templates.data(), windows.data(), maps.data()}, d.runtime);
  keep(maps, places.maps_count());
  d.ops->correlate_backprop({places, maps.data(), templates.data(), windows.data(), dtemplates.data(), dwindows.data()},
                            d.runtime);
  keep(dtemplates, dtemplates.size());
  keep(dwindows, dwindows.size());
  Values p(5000), m(5000), v(5000);
  const AdamTensor tensor{5000, x.data(), dy.data(), y.data(), x.data(), p.data(), m.data(), v.data()};
  d.ops->adam({1, &tensor, 1e-3, 0.9, 0.999, 1e-8, 3}, d.runtime);
  keep(m, 5000);
  return out;
}

double difference(const Values& a, const Values& b) {
  double d = 0, norm = 0;
  if (a.size() != b.size()) return 1;
  for (size_t i = 0; i < a.size(); i++) d += std::pow(double(a[i]) - b[i], 2), norm += double(b[i]) * b[i];
  return std::sqrt(d / (norm > 0 ? norm : 1));
}

std::vector<Values> everything(const Ops* ops) {
  Device device(ops);
  std::vector<Values> results;
  for (const Case& c : cases)
    for (const ActivationKind kind : {ActivationKind::linear, ActivationKind::leakyrelu})
      results.push_back(convolution(device, c, kind));
  results.push_back(rest(device));
  return results;
}

// Short runs of few tasks, some after a pause in which the workers fall asleep: how many did not run each task once, on
// a thread of the pool that no other task had at the time.
int wrong_runs(ThreadPool& pool) {
  struct Run {
    std::atomic<int> times[7], busy[4];
    std::atomic<bool> clashed;
  };
  int wrong = 0;
  for (int i = 0; i < 20000; i++) {
    Run run{};
    const int tasks = 1 + i % 7;
    if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    pool.run(
        tasks, pool.threads(),
        [](void* context, int task, int thread) {
          Run& run = *static_cast<Run*>(context);
          if (run.busy[thread].exchange(1)) run.clashed = true;
          run.times[task]++;
          run.busy[thread] = 0;
        },
        &run);
    bool right = !run.clashed;
    for (int task = 0; task < 7; task++) right = right && run.times[task] == (task < tasks);
    wrong += !right;
  }
  return wrong;
}

// Whether an exception of a task reaches the caller, after which the pool goes on.
bool rethrows(ThreadPool& pool) {
  try {
    pool.run(4, 4, [](void*, int task, int) { if (task == 2) throw std::runtime_error("planted"); }, nullptr);
  } catch (const std::runtime_error&) {
    return wrong_runs(pool) == 0;
  }
  return false;
}

// Whether an op that began with two threads still has two when the pool got four meanwhile: its tasks, long enough for
// all workers to come, must not run on others.
bool keeps_its_threads(ThreadPool& pool) {
  pool.set_threads(2);
  MemoryPool memory;
  NativeRuntime of_op{Runtime(memory)};
  pool.set_threads(4);
  std::atomic<int> on_others{0};
  of_op.run(
      40,
      [](void* on_others, int, int thread) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        if (thread >= 2) (*static_cast<std::atomic<int>*>(on_others))++;
      },
      &on_others);
  return of_op.threads() == 2 && on_others == 0;
}

// Whether the exception of an op in a lane reaches who replays, after which the pool goes on.
bool rethrows_from_lane(const Ops* ops) {
  Device d(ops);
  OpCapture capture(d.pool, d.runtime);
  capture.begin(1, false);
  float blocks[2] = {};
  int runs = 0;
  for (int lane = 0; lane < 2; lane++) {
    auto run = [&runs, lane](Runtime&, const Progress&) {
      if (lane == 1 && runs++ == 0) throw std::runtime_error("planted");
    };
    capture.recorder()->record({run, {{}, {blocks + lane}, sizeof(float)}});
  }
  const std::unique_ptr<Graph> graph = capture.end({});
  try {
    graph->replay();
    return false;
  } catch (const std::runtime_error&) {
    graph->replay();
    return runs == 2;
  }
}

// Two chains of convolutions and their sum, recorded: whether replays, which run the chains side by side, give what the
// ops give one after the other.
bool replays(const Ops* ops) {
  constexpr int layers = 6, side = 24, channels = 32;
  constexpr size_t count = size_t{side} * side * channels;
  const Conv2DShape shape{1, side, side, channels, 3, 3, channels, side, side, 1, 1, 1};
  Device d(ops);
  std::vector<Values> maps;  // [chain][layer], and the sum
  std::vector<Values> filters;
  for (int i = 0; i < 2 * (layers + 1) + 1; i++) maps.push_back(d.normal(count));
  for (int i = 0; i < 2 * layers; i++) filters.push_back(d.normal(size_t{9} * channels * channels));
  std::vector<std::unique_ptr<PackedCache>> packed;
  std::vector<RecordedOp> recorded;
  for (int chain = 0; chain < 2; chain++) {
    for (int i = 0; i < layers; i++) {
      packed.push_back(std::make_unique<PackedCache>(d.pool));
      const float *x = maps[chain * (layers + 1) + i].data(), *filter = filters[chain * layers + i].data();
      float* y = maps[chain * (layers + 1) + i + 1].data();
      const Conv2D p{shape, {ActivationKind::leakyrelu, 0.1f}, x, filter, nullptr, y, packed.back().get()};
      recorded.push_back({[ops, p](Runtime& runtime, const Progress&) { ops->conv2d(p, runtime); },
                          {{x}, {filter, y}, 3 * count * sizeof(float)}});
    }
  }
  const float *a = maps[layers].data(), *b = maps[2 * layers + 1].data();
  float* sum = maps.back().data();
  const Blend p{1, nullptr, 1.f, 1.f};
  recorded.push_back({[ops, a, b, sum, p](Runtime& runtime, const Progress&) {
                        const BlendTensor tensor{static_cast<int64_t>(count), a, b, sum};
                        Blend now = p;
                        now.tensor = &tensor;
                        ops->blend(now, runtime);
                      },
                      {{a, b}, {sum}, 3 * count * sizeof(float)}});
  for (const RecordedOp& op : recorded) op.run(d.runtime, Progress{0, 0});
  const Values expected = maps.back();
  OpCapture capture(d.pool, d.runtime);
  capture.begin(1, false);
  for (RecordedOp& op : recorded) capture.recorder()->record(std::move(op));
  const std::unique_ptr<Graph> graph = capture.end({});
  for (int i = 0; i < 300; i++) {
    std::fill(maps.back().begin(), maps.back().end(), 0.f);
    graph->replay();
    if (std::memcmp(maps.back().data(), expected.data(), count * sizeof(float)) != 0) return false;
  }
  return true;
}

}  // namespace

int main() {
  ThreadPool::shared().set_threads(2);
  if (!rethrows_from_lane(choose_isa("").ops())) return std::printf("an exception of a lane was lost\n");
  if (!replays(choose_isa("").ops())) return std::printf("a replay gave something else than its ops\n");
  if (!keeps_its_threads(ThreadPool::shared())) return std::printf("an op got threads that it did not begin with\n");
  ThreadPool::shared().set_threads(4);
  if (const int wrong = wrong_runs(ThreadPool::shared())) return std::printf("%d runs of the pool were wrong\n", wrong);
  if (!rethrows(ThreadPool::shared())) return std::printf("an exception of a task was lost\n");
  const std::vector<Values> expected = everything(choose_isa("generic").ops());
  int failures = 0;
  for (const Isa& isa : compiled_isas()) {
    if (!isa.runs_here()) {
      std::printf("%s: skipped, this processor lacks it\n", isa.name);
      continue;
    }
    std::vector<std::vector<Values>> results(3);
    std::vector<std::thread> threads;
    for (auto& result : results) threads.emplace_back([&result, &isa] { result = everything(isa.ops()); });
    // Another thread changes their number meanwhile, as a JS thread may that opens the device.
    std::atomic<bool> done{false};
    std::thread changer([&done] {
      for (int i = 0; !done; i++) {
        ThreadPool::shared().set_threads(1 + i % 4);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
    for (std::thread& thread : threads) thread.join();
    done = true;
    changer.join();
    double worst = 0;
    for (const auto& result : results)
      for (size_t i = 0; i < expected.size(); i++) worst = std::fmax(worst, difference(result[i], expected[i]));
    std::printf("%s: worst relative difference %.1e\n", isa.name, worst);
    failures += !(worst < 1e-5);
  }
  return failures;
}
