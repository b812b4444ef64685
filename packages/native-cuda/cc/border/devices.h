// The devices of this addon: the one place of the border that knows who implements them.
#pragma once
#include <napi.h>

#include <memory>
#include <string>

#include "../device.h"

namespace doppel {

// "native" and an instruction set ("" for the widest that runs here), or "cuda" and the number of a card.
std::unique_ptr<Device> open_device(const std::string& backend, const std::string& which);

// isas(): instruction sets that are compiled in and run here, widest first.
Napi::Value isas(const Napi::CallbackInfo& info);
// cards(): what cuda::cards() found.
Napi::Value cards(const Napi::CallbackInfo& info);
// threads(count?): the number of threads of the device native; sets it where a count is given.
Napi::Value threads(const Napi::CallbackInfo& info);

}  // namespace doppel
