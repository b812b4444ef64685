#include "run_op.h"

namespace doppel {

namespace {

template <class Params> using Op = void (*)(const Params&, Runtime&);

// What changes from replay to replay.
template <class Params> void move_on(Params&, const Progress&) {}
void move_on(Adam& p, const Progress& progress) { p.step += progress.replays; }
uint64_t counters(const Progress& progress) {
  return static_cast<uint64_t>(progress.replays) * progress.counters_a_step;
}
void move_on(Philox& p, const Progress& progress) { p.offset += counters(progress); }
void move_on(Reparameterize& p, const Progress& progress) { p.offset += counters(progress); }

template <class Params> void run(Op<Params> op, Fields&& fields, Runtime& runtime) {
  Params params{};
  read(fields, params);
  op(params, runtime);
}

// The op for later.
template <class Params> auto recorded(Op<Params> op, Fields&& fields) {
  Params params{};
  read(fields, params);
  return [op, params, kept = fields.kept()](Runtime& runtime, const Progress& progress) {
    Params now = params;
    move_on(now, progress);
    op(now, runtime);
  };
}

template <class Params> Fields::Names names_of() {
  Fields::Names names;
  Params params{};
  Fields fields(names);
  read(fields, params);
  return names;
}

struct Entry {
  void (*run)(Fields&&, Device&);
  decltype(RecordedOp::run) (*recorded)(Fields&&, Device&);
};

const std::map<std::string, Entry> entries = {
#define DOPPEL_OP(name, Params)                                                                          \
  {#name, {[](Fields&& fields, Device& device) { run(device.ops().name, std::move(fields), device.runtime()); }, \
           [](Fields&& fields, Device& device) -> decltype(RecordedOp::run) {                                    \
             return recorded(device.ops().name, std::move(fields));                                              \
           }}},
#include "../ops.def"
};

}  // namespace

const std::map<std::string, Fields::Names>& fields_of_ops() {
  static const std::map<std::string, Fields::Names> fields = {
#define DOPPEL_OP(name, Params) {#name, names_of<Params>()},
#include "../ops.def"
  };
  return fields;
}

void run_op(const std::string& name, const Napi::Array& values, Buffers& buffers, Device& device) {
  const auto entry = entries.find(name);
  if (entry == entries.end()) throw std::runtime_error("there is no op \"" + name + "\"");
  const auto& [op, names] = *fields_of_ops().find(name);
  Recorder* recorder = device.recorder();
  if (!recorder) return entry->second.run(Fields(op.c_str(), names, values, buffers), device);
  Touched touched;
  auto later = entry->second.recorded(Fields(op.c_str(), names, values, buffers, &touched), device);
  recorder->record({std::move(later), std::move(touched)});
}

}  // namespace doppel
