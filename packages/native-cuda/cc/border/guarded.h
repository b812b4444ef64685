// Calls from JavaScript: a C++ exception becomes an error of JavaScript.
#pragma once
#include "fields.h"

namespace doppel {

template <class F> Napi::Value guarded(const Napi::CallbackInfo& info, F f) {
  try {
    return f();
  } catch (const Napi::Error&) { throw; } catch (const FieldError& error) {
    throw Napi::TypeError::New(info.Env(), error.what());
  } catch (const std::exception& error) { throw Napi::Error::New(info.Env(), error.what()); }
}

}  // namespace doppel
