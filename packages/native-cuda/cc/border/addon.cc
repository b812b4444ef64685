// The addon: opens devices for one JS thread; a device has buffers, known by number, and runs ops on them. Every failure is a
// JS error.
#include <napi.h>

#include <map>
#include <memory>

#include "border.h"
#include "../cuda/open.h"
#include "../native/native_device.h"
#include "../native/thread_pool.h"

namespace doppel {

namespace {

// A C++ exception becomes a JS error.
template <class F> Napi::Value guarded(const Napi::CallbackInfo& info, F f) {
  try {
    return f();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Napi::Error::New(info.Env(), error.what());
  }
}

Napi::TypedArray typed_array(const Napi::Value& value) {
  if (!value.IsTypedArray()) throw std::runtime_error("a typed array was expected");
  return value.As<Napi::TypedArray>();
}

void* start_of(const Napi::TypedArray& values) { return static_cast<char*>(values.ArrayBuffer().Data()) + values.ByteOffset(); }

// Waits for a reading off the JS thread; the array is held until then.
class ReadWorker : public Napi::AsyncWorker {
 public:
  ReadWorker(Napi::Env env, std::unique_ptr<Reading> reading, Napi::TypedArray values)
      : Napi::AsyncWorker(env), reading_(std::move(reading)), values_(Napi::Persistent(values.As<Napi::Object>())), promise_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return promise_.Promise(); }

 private:
  void Execute() override { reading_->finish(); }
  void OnOK() override { promise_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { promise_.Reject(error.Value()); }

  std::unique_ptr<Reading> reading_;
  Napi::ObjectReference values_;
  Napi::Promise::Deferred promise_;
};

class DeviceObject : public Napi::ObjectWrap<DeviceObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Device", {
      InstanceMethod("allocate", &DeviceObject::allocate),
      InstanceMethod("hold", &DeviceObject::hold),
      InstanceMethod("release", &DeviceObject::release),
      InstanceMethod("download", &DeviceObject::download),
      InstanceMethod("read", &DeviceObject::read),
      InstanceMethod("run", &DeviceObject::run),
      InstanceMethod("memory", &DeviceObject::memory),
      InstanceMethod("trim", &DeviceObject::trim),
      InstanceMethod("beginCapture", &DeviceObject::begin_capture),
      InstanceMethod("endCapture", &DeviceObject::end_capture),
      InstanceMethod("abandonCapture", &DeviceObject::abandon_capture),
      InstanceMethod("replay", &DeviceObject::replay),
      InstanceMethod("releaseGraph", &DeviceObject::release_graph),
      InstanceAccessor("hasGraphs", &DeviceObject::has_graphs, nullptr),
      InstanceAccessor("captureStrays", &DeviceObject::capture_strays, nullptr),
      InstanceAccessor("name", &DeviceObject::name, nullptr),
    });
  }

  // new Device(backend, which): "native" and an instruction set ("" for the widest), or "cuda" and the card's number.
  explicit DeviceObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<DeviceObject>(info) {
    guarded(info, [&] {
      const std::string backend = info[0].ToString();
      device_ = backend == "native" ? std::make_unique<NativeDevice>(info[1].ToString().Utf8Value()) : cuda::open(info[1].ToNumber().Int32Value());
      buffers_ = std::make_unique<Buffers>(device_->pool());
      return info.Env().Undefined();
    });
  }

 private:
  Napi::Value name(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), device_->name()); }

  // allocate(bytes): number
  Napi::Value allocate(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      const double bytes = info[0].ToNumber();
      if (!(bytes >= 0)) throw std::runtime_error("a buffer's size must be a number that is not negative");
      return added(info.Env(), buffers_->add(static_cast<size_t>(bytes)));
    });
  }

  // hold(values): number — a buffer with a typed array's bytes, which may be written to again.
  Napi::Value hold(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      refuse_while_capturing("values cannot be copied to the device");
      const Napi::TypedArray values = typed_array(info[0]);
      void* block = device_->take_filled(start_of(values), values.ByteLength());
      return added(info.Env(), buffers_->adopt(block, values.ByteLength()));
    });
  }

  // A lost device has no memory to give back; what tidies up must not fail for it.
  Napi::Value release(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      if (lost_.empty()) buffers_->remove(info[0].ToNumber().Int32Value());
      return info.Env().Undefined();
    });
  }

  // download(id, values): fills a typed array from the buffer, and waits for it.
  Napi::Value download(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      refuse_while_capturing("values cannot be read from the device");
      const Napi::TypedArray values = typed_array(info[1]);
      device_->download(start_of(values), buffer_of(info[0], values.ByteLength()), values.ByteLength());
      return info.Env().Undefined();
    });
  }

  // read(id, values): Promise<void> — the same without waiting. The buffer may be released at once.
  Napi::Value read(const Napi::CallbackInfo& info) {
    return asked(info, [&]() -> Napi::Value {
      refuse_while_capturing("values cannot be read from the device");
      const Napi::TypedArray values = typed_array(info[1]);
      std::unique_ptr<Reading> reading = device_->read(start_of(values), buffer_of(info[0], values.ByteLength()), values.ByteLength());
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

  // run(op, inputs, outputs, attributes)
  Napi::Value run(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      if (!info[0].IsString() || !info[1].IsArray() || !info[2].IsArray() || !info[3].IsObject()) {
        throw std::runtime_error("run() takes an op's name, arrays of inputs and of outputs, and attributes");
      }
      const Call call(*buffers_, info[1].As<Napi::Array>(), info[2].As<Napi::Array>(), info[3].As<Napi::Object>(), device_->runtime());
      run_op(info[0].As<Napi::String>().Utf8Value(), device_->ops(), call);
      return info.Env().Undefined();
    });
  }

  Napi::Value memory(const Napi::CallbackInfo& info) {
    const BlockPool& pool = device_->pool();
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("buffers", buffers_->count());
    out.Set("inUse", static_cast<double>(pool.bytes_in_use()));
    out.Set("peak", static_cast<double>(pool.peak_bytes()));
    out.Set("held", static_cast<double>(pool.bytes_held()));
    out.Set("graphs", static_cast<double>(pool.bytes_in_graphs()));
    return out;
  }

  Napi::Value trim(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      device_->pool().trim();
      report_external_memory(info.Env());
      return info.Env().Undefined();
    });
  }

  Napi::Value has_graphs(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), device_->capture() != nullptr); }

  Napi::Value capture_strays(const Napi::CallbackInfo& info) {
    const Capture* capture = device_->capture();
    return Napi::Number::New(info.Env(), capture ? static_cast<double>(capture->strays()) : 0);
  }

  Capture& capture() {
    Capture* found = device_->capture();
    if (!found) throw std::runtime_error("the device " + device_->name() + " has no graphs");
    return *found;
  }

  // What cannot be recorded.
  void refuse_while_capturing(const char* what) {
    if (device_->capture() && device_->capture()->is_open()) throw std::runtime_error(std::string(what) + " while a step is captured: nothing is computed before its first replay");
  }

  // beginCapture(countersAStep): from here to endCapture, run() records.
  Napi::Value begin_capture(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      capture().begin(static_cast<uint64_t>(info[0].ToNumber().Int64Value()));
      return info.Env().Undefined();
    });
  }

  // endCapture(from, to): number — the graph. Each of its replays ends with the buffers `from` copied to the buffers `to`.
  Napi::Value end_capture(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      const Napi::Array from = info[0].As<Napi::Array>(), to = info[1].As<Napi::Array>();
      std::vector<Renewal> state;
      for (uint32_t i = 0; i < from.Length(); i++) {
        const Block &source = buffers_->at(from.Get(i).ToNumber().Int32Value()), &target = buffers_->at(to.Get(i).ToNumber().Int32Value());
        if (source.bytes != target.bytes || source.bytes % 4 != 0) throw std::runtime_error("a new value of the state has another size, or one that is no multiple of 4 bytes");
        state.push_back({source.data, target.data, source.bytes});
      }
      graphs_[++graphs_made_] = capture().end(state);
      return Napi::Number::New(info.Env(), graphs_made_);
    });
  }

  Napi::Value abandon_capture(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      capture().abandon();
      return info.Env().Undefined();
    });
  }

  // replay(graph): enqueues it.
  Napi::Value replay(const Napi::CallbackInfo& info) {
    return asked(info, [&] {
      refuse_while_capturing("a graph cannot be replayed");
      const auto found = graphs_.find(info[0].ToNumber().Int32Value());
      if (found == graphs_.end()) throw std::runtime_error("there is no such graph: it was released");
      found->second->replay();
      return info.Env().Undefined();
    });
  }

  Napi::Value release_graph(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      if (lost_.empty()) graphs_.erase(info[0].ToNumber().Int32Value());
      return info.Env().Undefined();
    });
  }

  // What needs the device: refused once it is lost.
  template <class F> Napi::Value asked(const Napi::CallbackInfo& info, F f) {
    return guarded(info, [&] {
      if (!lost_.empty()) throw std::runtime_error("the device was lost before: " + lost_ + ". Start the process anew");
      try {
        return Napi::Value(f());
      } catch (const DeviceLost& error) {
        lost_ = error.what();
        throw std::runtime_error("the device is lost: " + lost_ + ". Nothing more can be computed on it; start the process anew");
      }
    });
  }

  Napi::Value added(Napi::Env env, int id) {
    report_external_memory(env);
    return Napi::Number::New(env, id);
  }

  void* buffer_of(const Napi::Value& id, size_t bytes) {
    const Block& block = buffers_->at(id.ToNumber().Int32Value());
    if (bytes > block.bytes) throw std::runtime_error("the array has " + std::to_string(bytes) + " bytes, the buffer " + std::to_string(block.bytes));
    return block.data;
  }

  // So that the garbage collector knows what JS holds on to.
  void report_external_memory(Napi::Env env) {
    if (!device_->is_host()) return;
    const int64_t held = static_cast<int64_t>(device_->pool().bytes_held());
    if (held == reported_) return;
    Napi::MemoryManagement::AdjustExternalMemory(env, held - reported_);
    reported_ = held;
  }

  std::unique_ptr<Device> device_;
  std::unique_ptr<Buffers> buffers_;
  std::map<int, std::unique_ptr<Graph>> graphs_;  // destroyed before the buffers
  int graphs_made_ = 0;
  std::string lost_;  // why; empty while it serves
  int64_t reported_ = 0;
};

Napi::Array texts(Napi::Env env, const std::vector<std::string>& from) {
  Napi::Array to = Napi::Array::New(env, from.size());
  for (uint32_t i = 0; i < from.size(); i++) to.Set(i, from[i]);
  return to;
}

// isas(): instruction sets that are compiled in and run here, widest first.
Napi::Value isas(const Napi::CallbackInfo& info) {
  std::vector<std::string> names;
  for (const Isa& isa : compiled_isas()) {
    if (isa.runs_here()) names.push_back(isa.name);
  }
  return texts(info.Env(), names);
}

Napi::Value ops(const Napi::CallbackInfo& info) { return texts(info.Env(), op_names()); }

// cards(): what cuda::cards() found.
Napi::Value cards(const Napi::CallbackInfo& info) {
  const cuda::Cards found = cuda::cards();
  Napi::Array list = Napi::Array::New(info.Env());
  for (const cuda::Card& each : found.cards) {
    Napi::Object card = Napi::Object::New(info.Env());
    card.Set("name", each.name);
    card.Set("problem", each.problem);
    list.Set(list.Length(), card);
  }
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("backend", found.backend);
  out.Set("problem", found.problem);
  out.Set("cards", list);
  return out;
}

// threads(count?): the number of threads of the device native; sets it where a count is given.
Napi::Value threads(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    if (info[0].IsNumber()) ThreadPool::shared().set_threads(info[0].As<Napi::Number>().Int32Value());
    return Napi::Number::New(info.Env(), ThreadPool::shared().threads());
  });
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  exports.Set("Device", DeviceObject::define(env));
  exports.Set("isas", Napi::Function::New(env, isas));
  exports.Set("ops", Napi::Function::New(env, ops));
  exports.Set("cards", Napi::Function::New(env, cards));
  exports.Set("threads", Napi::Function::New(env, threads));
  return exports;
}

}  // namespace

NODE_API_MODULE(doppel_native, start)


// Read from the file by addon.ts before it loads it: Node aborts on an addon that wants a newer Node-API than it has.
#define DOPPEL_TEXT_OF(number) #number
#define DOPPEL_TEXT(number) DOPPEL_TEXT_OF(number)
extern "C" __attribute__((used, visibility("default"))) const char doppel_addon_mark[] = "doppel-native-addon napi=" DOPPEL_TEXT(NAPI_VERSION) ";";

}  // namespace doppel
