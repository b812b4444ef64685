// The seam between JavaScript and the ops: reads a call's buffers and attributes, checks that every buffer is as long as its
// shape says, and fills the op's plain struct. Past this file there are no JS objects.
#pragma once
#include <napi.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../native/isa.h"
#include "../packed_cache.h"
#include "../native/runtime.h"
#include "../block_pool.h"

namespace doppel {

// One tensor's memory.
struct Block {
  void* data = nullptr;
  size_t bytes = 0;
  std::unique_ptr<PackedCache> packed;
};

// The buffers of one JS thread, by number.
class Buffers {
 public:
  explicit Buffers(BlockPool& pool) : pool_(pool) {}
  ~Buffers();
  int add(size_t bytes) { return adopt(pool_.take(bytes), bytes); }
  int adopt(void* data, size_t bytes);  // of the same pool
  void remove(int id);
  Block& at(int id);  // throws where there is no such buffer
  int count() const { return static_cast<int>(blocks_.size() - free_.size()); }

 private:
  BlockPool& pool_;
  std::vector<Block> blocks_;
  std::vector<int> free_;
};

// One call of an op: input and output buffers, and attributes by name.
class Call {
 public:
  Call(Buffers& buffers, Napi::Array inputs, Napi::Array outputs, Napi::Object attributes, Runtime& runtime)
      : runtime(runtime), buffers_(buffers), inputs_(inputs), outputs_(outputs), attributes_(attributes) {}

  bool has_input(uint32_t i) const;  // null stands for an input that is absent
  uint32_t inputs() const { return inputs_.Length(); }
  // The buffer's start; throws unless it holds `count` elements.
  template <class T> const T* input(uint32_t i, int64_t count) const { return static_cast<const T*>(data(inputs_, "input", i, count, sizeof(T))); }
  template <class T> T* output(uint32_t i, int64_t count) const { return static_cast<T*>(data(outputs_, "output", i, count, sizeof(T))); }
  const void* input(uint32_t i, int64_t count, Type type) const { return data(inputs_, "input", i, count, size_of(type)); }
  void* output(uint32_t i, int64_t count, Type type) const { return data(outputs_, "output", i, count, size_of(type)); }
  bool has_output(uint32_t i) const;
  PackedCache* packed_cache(uint32_t input) const;

  double number(const char* name) const;
  int integer(const char* name) const;
  bool flag(const char* name) const;
  std::string text(const char* name) const;
  std::vector<int64_t> integers(const char* name) const;
  Type type(const char* name) const;
  Precision precision() const;
  Activation activation() const;  // of the attributes `activation` and `leakyreluAlpha`

  static size_t size_of(Type type) { return type == Type::boolean ? 1 : 4; }

  Runtime& runtime;

 private:
  void* data(const Napi::Array& list, const char* role, uint32_t i, int64_t count, size_t item) const;
  Napi::Value get(const char* name) const;

  Buffers& buffers_;
  Napi::Array inputs_, outputs_;
  Napi::Object attributes_;
};

// Runs the op of that name with this device's table. Throws std::exception with the cause.
void run_op(const std::string& name, const Ops& ops, const Call& call);
std::vector<std::string> op_names();

}  // namespace doppel
