// A copy from the device to a typed array, as a promise.
#pragma once
#include <napi.h>

#include <memory>

#include "../device.h"

namespace doppel {

// Waits for a reading off the JS thread; the array is held until then.
class ReadWorker : public Napi::AsyncWorker {
 public:
  ReadWorker(Napi::Env env, std::unique_ptr<Reading> reading, Napi::TypedArray values)
      : Napi::AsyncWorker(env),
        reading_(std::move(reading)),
        values_(Napi::Persistent(values.As<Napi::Object>())),
        promise_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return promise_.Promise(); }

 private:
  void Execute() override { reading_->finish(); }
  void OnOK() override { promise_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { promise_.Reject(error.Value()); }

  std::unique_ptr<Reading> reading_;
  Napi::ObjectReference values_;
  Napi::Promise::Deferred promise_;
};

}  // namespace doppel
