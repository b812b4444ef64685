#include "devices.h"

#include "../cuda/open.h"
#include "../native/native_device.h"
#include "../native/thread_pool.h"
#include "guarded.h"

namespace doppel {

std::unique_ptr<Device> open_device(const std::string& backend, const std::string& which) {
  if (backend == "native") return std::make_unique<NativeDevice>(which);
  return cuda::open(std::stoi(which));
}

Napi::Value isas(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  for (const Isa& isa : compiled_isas()) {
    if (isa.runs_here()) names.Set(names.Length(), isa.name);
  }
  return names;
}

Napi::Value cards(const Napi::CallbackInfo& info) {
  const cuda::Cards found = cuda::cards();
  Napi::Array list = Napi::Array::New(info.Env());
  for (const cuda::Card& each : found.cards) {
    Napi::Object card = Napi::Object::New(info.Env());
    card.Set("name", each.name);
    card.Set("problem", each.problem);
    card.Set("id", each.id);
    list.Set(list.Length(), card);
  }
  Napi::Object out = Napi::Object::New(info.Env());
  out.Set("backend", found.backend);
  out.Set("problem", found.problem);
  out.Set("cards", list);
  return out;
}

Napi::Value threads(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    if (info[0].IsNumber()) ThreadPool::shared().set_threads(info[0].As<Napi::Number>().Int32Value());
    return Napi::Number::New(info.Env(), ThreadPool::shared().threads());
  });
}

}  // namespace doppel
