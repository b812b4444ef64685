// The class `Device` of JavaScript: one device, opened for one JS thread, with its buffers and graphs. src/addon.ts
// says what each method does.
#pragma once
#include <napi.h>

#include <map>
#include <memory>
#include <string>

#include "../device.h"
#include "buffers.h"
#include "guarded.h"

namespace doppel {

class DeviceObject : public Napi::ObjectWrap<DeviceObject> {
 public:
  static Napi::Function define(Napi::Env env);
  // new Device(backend, which): as open_device has it.
  explicit DeviceObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value name(const Napi::CallbackInfo& info);
  Napi::Value allocate(const Napi::CallbackInfo& info);
  Napi::Value hold(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value download(const Napi::CallbackInfo& info);
  Napi::Value read(const Napi::CallbackInfo& info);
  Napi::Value run_in_order(const Napi::CallbackInfo& info);
  Napi::Value memory(const Napi::CallbackInfo& info);
  Napi::Value trim(const Napi::CallbackInfo& info);
  Napi::Value has_graphs(const Napi::CallbackInfo& info);
  Napi::Value capture_strays(const Napi::CallbackInfo& info);
  Napi::Value begin_capture(const Napi::CallbackInfo& info);
  Napi::Value end_capture(const Napi::CallbackInfo& info);
  Napi::Value abandon_capture(const Napi::CallbackInfo& info);
  Napi::Value replay(const Napi::CallbackInfo& info);
  Napi::Value release_graph(const Napi::CallbackInfo& info);
  Napi::Value meeting_point(const Napi::CallbackInfo& info);
  Napi::Value join(const Napi::CallbackInfo& info);
  Napi::Value all_reduce(const Napi::CallbackInfo& info);

  template <class F> Napi::Value asked(const Napi::CallbackInfo& info, F f);
  Capture& capture();
  void refuse_while_capturing(const char* what);
  Napi::Value added(Napi::Env env, int id);
  void* buffer_of(const Napi::Value& id, size_t bytes);
  void report_external_memory(Napi::Env env);

  std::unique_ptr<Device> device_;
  std::unique_ptr<Buffers> buffers_;
  struct HeldGraph {
    std::unique_ptr<Graph> graph;
    std::vector<int> state;  // buffers that a replay changes
  };
  std::map<int, HeldGraph> graphs_;  // destroyed before the buffers
  int graphs_made_ = 0;
  std::unique_ptr<Collective> collective_;  // with the devices of other processes; destroyed before the device
  std::string lost_;                        // why; empty while it serves
  int64_t reported_ = 0;
};

}  // namespace doppel
