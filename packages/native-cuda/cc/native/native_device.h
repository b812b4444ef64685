// The device `native`: this machine's processor, by the widest instruction set that it runs.
#pragma once
#include <cstring>

#include "../device.h"
#include "isa.h"
#include "memory_pool.h"
#include "op_capture.h"
#include "runtime.h"

namespace doppel {

class NativeDevice : public Device {
 public:
  explicit NativeDevice(const std::string& isa) : isa_(choose_isa(isa)), runtime_(pool_), capture_(pool_, runtime_) {}

  std::string name() const override { return isa_.name; }
  BlockPool& pool() override { return pool_; }
  Runtime& runtime() override { return runtime_; }
  const Ops& ops() const override { return *isa_.ops(); }
  bool is_host() const override { return true; }

  void upload(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  std::unique_ptr<Reading> read(void* to, const void* from, size_t bytes) override {
    download(to, from, bytes);
    return nullptr;
  }

  Capture* capture() override { return &capture_; }
  Recorder* recorder() override { return capture_.recorder(); }

 private:
  const Isa& isa_;
  MemoryPool pool_;
  Runtime runtime_;
  OpCapture capture_;
};

}  // namespace doppel
