// What the addon exports: the class of its devices, and what there is to open.
#include "device_object.h"
#include "devices.h"
#include "run_op.h"

namespace doppel {

namespace {

// fields(): by op the names of its fields, in the order in which Device.runInOrder takes their values.
Napi::Value fields(const Napi::CallbackInfo& info) {
  Napi::Object ops = Napi::Object::New(info.Env());
  for (const auto& [op, names] : fields_of_ops()) {
    Napi::Array list = Napi::Array::New(info.Env());
    for (const char* name : names) list.Set(list.Length(), name);
    ops.Set(op, list);
  }
  return ops;
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  exports.Set("Device", DeviceObject::define(env));
  exports.Set("isas", Napi::Function::New(env, isas));
  exports.Set("fields", Napi::Function::New(env, fields));
  exports.Set("cards", Napi::Function::New(env, cards));
  exports.Set("threads", Napi::Function::New(env, threads));
  return exports;
}

}  // namespace

NODE_API_MODULE(doppel_native, start)

// Read from the file by addon.ts before it loads it: Node aborts on an addon that wants a newer Node-API than it has.
#define DOPPEL_TEXT_OF(number) #number
#define DOPPEL_TEXT(number) DOPPEL_TEXT_OF(number)
extern "C" __attribute__((used, visibility("default"))) const char doppel_addon_mark[] =
    "doppel-native-addon napi=" DOPPEL_TEXT(NAPI_VERSION) ";";

}  // namespace doppel
