// The addon: buffers and ops of the device `native`, one instance a JS thread. Every failure is a JS error.
#include <napi.h>

#include <cstring>

#include "border.h"
#include "native/thread_pool.h"

namespace doppel {

namespace {

// What belongs to one JS thread. Destroyed with its environment.
class Instance : public Napi::Addon<Instance> {
 public:
  Instance(Napi::Env env, Napi::Object exports) : runtime_(pool_), buffers_(pool_) {
    (void)env;
    DefineAddon(exports, {
      InstanceMethod("start", &Instance::start),
      InstanceMethod("isas", &Instance::isas),
      InstanceMethod("ops", &Instance::ops),
      InstanceMethod("allocate", &Instance::allocate),
      InstanceMethod("release", &Instance::release),
      InstanceMethod("upload", &Instance::upload),
      InstanceMethod("download", &Instance::download),
      InstanceMethod("run", &Instance::run),
      InstanceMethod("memory", &Instance::memory),
      InstanceMethod("trim", &Instance::trim),
      InstanceMethod("threads", &Instance::threads),
    });
  }

 private:
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

  // start(isa: string): string — chooses the instruction set ("" for the widest) and says which.
  Napi::Value start(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      const Isa& isa = choose_isa(info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "");
      ops_ = isa.ops();
      return Napi::String::New(info.Env(), isa.name);
    });
  }

  // isas(): those that are compiled in and run here, widest first.
  Napi::Value isas(const Napi::CallbackInfo& info) {
    Napi::Array names = Napi::Array::New(info.Env());
    for (const Isa& isa : compiled_isas()) {
      if (isa.runs_here()) names.Set(names.Length(), isa.name);
    }
    return names;
  }

  Napi::Value ops(const Napi::CallbackInfo& info) {
    Napi::Array names = Napi::Array::New(info.Env());
    for (const std::string& name : op_names()) names.Set(names.Length(), name);
    return names;
  }

  Napi::Value allocate(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      const double bytes = info[0].ToNumber();
      if (!(bytes >= 0)) throw std::runtime_error("a buffer's size must be a number that is not negative");
      const int id = buffers_.add(static_cast<size_t>(bytes));
      report_external_memory(info.Env());
      return Napi::Number::New(info.Env(), id);
    });
  }

  Napi::Value release(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      buffers_.remove(info[0].ToNumber().Int32Value());
      return info.Env().Undefined();
    });
  }

  // upload(id, values): copies a typed array into the buffer.
  Napi::Value upload(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      const Napi::TypedArray values = typed_array(info[1]);
      Block& block = buffer_of(info[0], values.ByteLength());
      block.packed.reset();
      std::memcpy(block.data, static_cast<const char*>(values.ArrayBuffer().Data()) + values.ByteOffset(), values.ByteLength());
      return info.Env().Undefined();
    });
  }

  // download(id, values): fills a typed array from the buffer.
  Napi::Value download(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      Napi::TypedArray values = typed_array(info[1]);
      const Block& block = buffer_of(info[0], values.ByteLength());
      std::memcpy(static_cast<char*>(values.ArrayBuffer().Data()) + values.ByteOffset(), block.data, values.ByteLength());
      return info.Env().Undefined();
    });
  }

  // run(op, inputs, outputs, attributes)
  Napi::Value run(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      if (!ops_) throw std::runtime_error("start() comes before run()");
      if (!info[0].IsString() || !info[1].IsArray() || !info[2].IsArray() || !info[3].IsObject()) {
        throw std::runtime_error("run() takes an op's name, arrays of inputs and of outputs, and attributes");
      }
      const Call call(buffers_, info[1].As<Napi::Array>(), info[2].As<Napi::Array>(), info[3].As<Napi::Object>(), runtime_);
      run_op(info[0].As<Napi::String>().Utf8Value(), *ops_, call);
      return info.Env().Undefined();
    });
  }

  Napi::Value memory(const Napi::CallbackInfo& info) {
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("buffers", buffers_.count());
    out.Set("inUse", static_cast<double>(pool_.bytes_in_use()));
    out.Set("peak", static_cast<double>(pool_.peak_bytes()));
    out.Set("held", static_cast<double>(pool_.bytes_held()));
    return out;
  }

  Napi::Value trim(const Napi::CallbackInfo& info) {
    pool_.trim();
    report_external_memory(info.Env());
    return info.Env().Undefined();
  }

  // threads(count?): sets their number if it is given, and says how many there are.
  Napi::Value threads(const Napi::CallbackInfo& info) {
    return guarded(info, [&] {
      if (info[0].IsNumber()) ThreadPool::shared().set_threads(info[0].As<Napi::Number>().Int32Value());
      return Napi::Number::New(info.Env(), ThreadPool::shared().threads());
    });
  }

  static Napi::TypedArray typed_array(const Napi::Value& value) {
    if (!value.IsTypedArray()) throw std::runtime_error("a typed array was expected");
    return value.As<Napi::TypedArray>();
  }

  Block& buffer_of(const Napi::Value& id, size_t bytes) {
    Block& block = buffers_.at(id.ToNumber().Int32Value());
    if (bytes > block.bytes) throw std::runtime_error("the array has " + std::to_string(bytes) + " bytes, the buffer " + std::to_string(block.bytes));
    return block;
  }

  // So that the garbage collector knows what JS holds on to.
  void report_external_memory(Napi::Env env) {
    const int64_t held = static_cast<int64_t>(pool_.bytes_held());
    if (held == reported_) return;
    Napi::MemoryManagement::AdjustExternalMemory(env, held - reported_);
    reported_ = held;
  }

  MemoryPool pool_;
  Runtime runtime_;
  Buffers buffers_;
  const Ops* ops_ = nullptr;
  int64_t reported_ = 0;
};

}  // namespace

NODE_API_NAMED_ADDON(doppel_native, Instance)

// Read from the file by addon.ts before it loads it: Node aborts on an addon that wants a newer Node-API than it has.
#define DOPPEL_TEXT_OF(number) #number
#define DOPPEL_TEXT(number) DOPPEL_TEXT_OF(number)
extern "C" __attribute__((used, visibility("default"))) const char doppel_addon_mark[] = "doppel-native-addon napi=" DOPPEL_TEXT(NAPI_VERSION) ";";

}  // namespace doppel
