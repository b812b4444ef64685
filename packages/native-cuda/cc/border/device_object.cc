#include "device_object.h"

#include <algorithm>

#include "devices.h"
#include "read_worker.h"
#include "run_op.h"

namespace doppel {

namespace {

Napi::TypedArray typed_array(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw std::runtime_error("a typed array was expected");
  return value.As<Napi::TypedArray>();
}

void* start_of(const Napi::TypedArray& values) {
  return static_cast<char*>(values.ArrayBuffer().Data()) + values.ByteOffset();
}

}  // namespace

Napi::Function DeviceObject::define(Napi::Env env) {
  return DefineClass(env, "Device",
                     {
                         InstanceMethod("allocate", &DeviceObject::allocate),
                         InstanceMethod("hold", &DeviceObject::hold),
                         InstanceMethod("release", &DeviceObject::release),
                         InstanceMethod("download", &DeviceObject::download),
                         InstanceMethod("read", &DeviceObject::read),
                         InstanceMethod("runInOrder", &DeviceObject::run_in_order),
                         InstanceMethod("memory", &DeviceObject::memory),
                         InstanceMethod("trim", &DeviceObject::trim),
                         InstanceMethod("beginCapture", &DeviceObject::begin_capture),
                         InstanceMethod("endCapture", &DeviceObject::end_capture),
                         InstanceMethod("abandonCapture", &DeviceObject::abandon_capture),
                         InstanceMethod("replay", &DeviceObject::replay),
                         InstanceMethod("releaseGraph", &DeviceObject::release_graph),
                         InstanceMethod("meetingPoint", &DeviceObject::meeting_point),
                         InstanceMethod("join", &DeviceObject::join),
                         InstanceMethod("allReduce", &DeviceObject::all_reduce),
                         InstanceAccessor("hasGraphs", &DeviceObject::has_graphs, nullptr),
                         InstanceAccessor("captureStrays", &DeviceObject::capture_strays, nullptr),
                         InstanceAccessor("name", &DeviceObject::name, nullptr),
                     });
}

DeviceObject::DeviceObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceObject>(info) {
  guarded(info, [&] {
    device_ = open_device(info[0].ToString(), info[1].ToString());
    buffers_ = std::make_unique<Buffers>(device_->pool());
    return info.Env().Undefined();
  });
}

// What needs the device: refused once it is lost.
template <class F> Napi::Value DeviceObject::asked(const Napi::CallbackInfo& info, F f) {
  return guarded(info, [&] {
    if (!lost_.empty()) throw std::runtime_error("the device was lost before: " + lost_ + ". Start the process anew");
    try {
      return Napi::Value(f());
    } catch (const DeviceLost& error) {
      lost_ = error.what();
      throw std::runtime_error("the device is lost: " + lost_ +
                               ". Nothing more can be computed on it; start the process anew");
    }
  });
}

Napi::Value DeviceObject::name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), device_->name());
}

// allocate(bytes): number
Napi::Value DeviceObject::allocate(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    const double bytes = info[0].ToNumber();
    if (!(bytes >= 0)) throw std::runtime_error("a buffer's size must be a number that is not negative");
    return added(info.Env(), buffers_->add(static_cast<size_t>(bytes)));
  });
}

// hold(values): number — a buffer with a typed array's bytes, which may be written to again.
Napi::Value DeviceObject::hold(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    refuse_while_capturing("values cannot be copied to the device");
    const Napi::TypedArray values = typed_array(info[0]);
    void* block = device_->take_filled(start_of(values), values.ByteLength());
    return added(info.Env(), buffers_->adopt(block, values.ByteLength()));
  });
}

// A lost device has no memory to give back; what tidies up must not fail for it.
Napi::Value DeviceObject::release(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    if (lost_.empty()) buffers_->remove(info[0].ToNumber().Int32Value());
    return info.Env().Undefined();
  });
}

// download(id, values): fills a typed array from the buffer, and waits for it.
Napi::Value DeviceObject::download(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    refuse_while_capturing("values cannot be read from the device");
    const Napi::TypedArray values = typed_array(info[1]);
    device_->download(start_of(values), buffer_of(info[0], values.ByteLength()), values.ByteLength());
    return info.Env().Undefined();
  });
}

// read(id, values): Promise<void> — the same without waiting. The buffer may be released at once.
Napi::Value DeviceObject::read(const Napi::CallbackInfo& info) {
  return asked(info, [&]() -> Napi::Value {
    refuse_while_capturing("values cannot be read from the device");
    const Napi::TypedArray values = typed_array(info[1]);
    const void* from = buffer_of(info[0], values.ByteLength());
    std::unique_ptr<Reading> reading = device_->read(start_of(values), from, values.ByteLength());
    if (!reading) {
      const auto done = Napi::Promise::Deferred::New(info.Env());
      done.Resolve(info.Env().Undefined());
      return done.Promise();
    }
    auto* worker = new ReadWorker(info.Env(), std::move(reading), values);
    const Napi::Promise promise = worker->promise();
    worker->Queue();
    return promise;
  });
}

// runInOrder(op, values): in the order of fields()[op].
Napi::Value DeviceObject::run_in_order(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    if (!info[0].IsString() || !info[1].IsArray())
      throw FieldError("runInOrder() takes an op's name and the values of its fields");
    run_op(info[0].As<Napi::String>(), info[1].As<Napi::Array>(), *buffers_, *device_);
    return info.Env().Undefined();
  });
}

Napi::Value DeviceObject::memory(const Napi::CallbackInfo& info) {
  const BlockPool& pool = device_->pool();
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("buffers", buffers_->count());
  out.Set("inUse", static_cast<double>(pool.bytes_in_use()));
  out.Set("peak", static_cast<double>(pool.peak_bytes()));
  out.Set("held", static_cast<double>(pool.bytes_held()));
  out.Set("graphs", static_cast<double>(pool.bytes_in_graphs()));
  return out;
}

Napi::Value DeviceObject::trim(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    device_->pool().trim();
    report_external_memory(info.Env());
    return info.Env().Undefined();
  });
}

Napi::Value DeviceObject::has_graphs(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), device_->capture() != nullptr);
}

Napi::Value DeviceObject::capture_strays(const Napi::CallbackInfo& info) {
  const Capture* capture = device_->capture();
  return Napi::Number::New(info.Env(), capture ? static_cast<double>(capture->strays()) : 0);
}

Capture& DeviceObject::capture() {
  Capture* found = device_->capture();
  if (!found) throw std::runtime_error("the device " + device_->name() + " has no graphs");
  return *found;
}

// What cannot be recorded.
void DeviceObject::refuse_while_capturing(const char* what) {
  const Capture* capture = device_->capture();
  if (!capture || !capture->is_open()) return;
  throw std::runtime_error(std::string(what) +
                           " while a step is captured: nothing is computed before its first replay");
}

// beginCapture(countersAStep, reusesMemory): from here to endCapture, run() records.
Napi::Value DeviceObject::begin_capture(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    capture().begin(static_cast<uint64_t>(info[0].ToNumber().Int64Value()), info[1].ToBoolean());
    return info.Env().Undefined();
  });
}

// endCapture(from, to): number — the graph. Each of its replays ends with the buffers `from` copied to the buffers
// `to`.
Napi::Value DeviceObject::end_capture(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    const Napi::Array from = info[0].As<Napi::Array>(), to = info[1].As<Napi::Array>();
    std::vector<Renewal> state;
    std::vector<int> changed;
    for (uint32_t i = 0; i < from.Length(); i++) {
      const Block& source = buffers_->at(from.Get(i).ToNumber().Int32Value());
      const Block& target = buffers_->at(changed.emplace_back(to.Get(i).ToNumber().Int32Value()));
      if (source.bytes != target.bytes || source.bytes % 4 != 0) {
        throw std::runtime_error("a new value of the state has another size, or one that is no multiple of 4 bytes");
      }
      state.push_back({source.data, target.data, source.bytes});
    }
    graphs_[++graphs_made_] = {capture().end(state), std::move(changed)};
    return Napi::Number::New(info.Env(), graphs_made_);
  });
}

Napi::Value DeviceObject::abandon_capture(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    capture().abandon();
    return info.Env().Undefined();
  });
}

// replay(graph): enqueues it.
Napi::Value DeviceObject::replay(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    refuse_while_capturing("a graph cannot be replayed");
    const auto found = graphs_.find(info[0].ToNumber().Int32Value());
    if (found == graphs_.end()) throw std::runtime_error("there is no such graph: it was released");
    found->second.graph->replay();
    for (const int id : found->second.state) {
      if (PackedCache* packed = buffers_->at(id).packed.get()) packed->clear();
    }
    return info.Env().Undefined();
  });
}

Napi::Value DeviceObject::release_graph(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    if (lost_.empty()) graphs_.erase(info[0].ToNumber().Int32Value());
    return info.Env().Undefined();
  });
}

// meetingPoint(): Uint8Array
Napi::Value DeviceObject::meeting_point(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    const std::string bytes = device_->meeting_point();
    auto values = Napi::Uint8Array::New(info.Env(), bytes.size());
    std::copy(bytes.begin(), bytes.end(), values.Data());
    return values;
  });
}

// join(meetingPoint, rank, size)
Napi::Value DeviceObject::join(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    const Napi::TypedArray bytes = typed_array(info[0]);
    const std::string meeting_point(static_cast<const char*>(start_of(bytes)), bytes.ByteLength());
    collective_ = device_->join(meeting_point, info[1].ToNumber().Int32Value(), info[2].ToNumber().Int32Value());
    return info.Env().Undefined();
  });
}

// allReduce(id, count): sums the first float32 values of a buffer over the processes, in place.
Napi::Value DeviceObject::all_reduce(const Napi::CallbackInfo& info) {
  return asked(info, [&] {
    refuse_while_capturing("values cannot be summed over processes");
    if (!collective_) throw std::runtime_error("the device has joined no other processes");
    const int64_t count = info[1].ToNumber().Int64Value();
    void* values = buffer_of(info[0], static_cast<size_t>(count) * sizeof(float));
    collective_->all_reduce(static_cast<float*>(values), count);
    return info.Env().Undefined();
  });
}

Napi::Value DeviceObject::added(Napi::Env env, int id) {
  report_external_memory(env);
  return Napi::Number::New(env, id);
}

void* DeviceObject::buffer_of(const Napi::Value& id, size_t bytes) {
  const Block& block = buffers_->at(id.ToNumber().Int32Value());
  if (bytes <= block.bytes) return block.data;
  throw std::runtime_error("the array has " + std::to_string(bytes) + " bytes, the buffer " +
                           std::to_string(block.bytes));
}

// So that the garbage collector knows what JS holds on to.
void DeviceObject::report_external_memory(Napi::Env env) {
  if (!device_->is_host()) return;
  const int64_t held = static_cast<int64_t>(device_->pool().bytes_held());
  if (held == reported_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, held - reported_);
  reported_ = held;
}

}  // namespace doppel
