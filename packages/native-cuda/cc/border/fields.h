// Reads the struct of an op from a JavaScript object, field by field and by name. A field that is missing, of another type or out
// of range is a FieldError that names op and field. Buffers are numbers; null stands for one that is absent.
#pragma once
#include <napi.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../ops.h"
#include "buffers.h"

namespace doppel {

// A TypeError in JavaScript.
class FieldError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline size_t size_of(Type type) { return type == Type::boolean ? 1 : 4; }

class Fields {
 public:
  Fields(const char* op, Napi::Object object, Buffers& buffers) : op_(op), object_(object), buffers_(buffers) {}

  void get(const char* name, bool& to) const;
  void get(const char* name, double& to) const;
  void get(const char* name, float& to) const;
  // Integers: within the type's range, and within that of JavaScript's.
  template <class T>
    requires std::is_integral_v<T>
  void get(const char* name, T& to) const {
    to = static_cast<T>(integer(name, std::is_unsigned_v<T> ? 0 : -most<T>(), most<T>()));
  }
  // One of the enumerators, by its name.
  template <class E>
    requires std::is_enum_v<E>
  void get(const char* name, E& to) const {
    to = static_cast<E>(choice(name, enumerators_of(E{})));
  }
  void get(const char* name, Type& to) const;  // float32, int32 or bool
  // Greater than 0: sides, channels, strides.
  template <class T> void positive(const char* name, T& to) const { to = static_cast<T>(integer(name, 1, most<T>())); }
  // Not negative: counts.
  template <class T> void size(const char* name, T& to) const { to = static_cast<T>(integer(name, 0, most<T>())); }
  std::vector<int64_t> integers(const char* name) const;

  // A buffer of at least so many elements.
  template <class T> void in(const char* name, const T*& to, int64_t count) const { to = static_cast<const T*>(buffer(name, count, sizeof(T))); }
  template <class T> void out(const char* name, T*& to, int64_t count) const { to = static_cast<T*>(buffer(name, count, sizeof(T))); }
  void in(const char* name, const void*& to, int64_t count, Type type) const { to = buffer(name, count, size_of(type)); }
  void out(const char* name, void*& to, int64_t count, Type type) const { to = buffer(name, count, size_of(type)); }
  bool has(const char* name) const { return !value(name).IsNull(); }
  template <class T> void in_if_given(const char* name, const T*& to, int64_t count) const {
    const Napi::Value id = value(name);
    if (!id.IsNull()) to = static_cast<const T*>(buffer(name, id, count, sizeof(T)));
  }
  // Buffers of a list: counts[i] elements of float32 in the i-th.
  std::vector<float*> buffers(const char* name, const std::vector<int64_t>& counts) const;
  uint32_t length(const char* name) const { return array(name).Length(); }
  PackedCache* packed(const char* name) const { return buffers_.packed_of(static_cast<int>(integer(name, 0, most<int>()))); }

  // A list that lives as long as this object.
  template <class T> const T* keep(std::vector<T> list) {
    auto kept = std::make_shared<std::vector<T>>(std::move(list));
    const T* data = kept->data();
    kept_.push_back(std::move(kept));
    return data;
  }

  // Throws a FieldError of that field unless the condition holds.
  void need(bool holds, const char* name, const char* what) const {
    if (!holds) fail(name, what);
  }

 private:
  template <class T> static constexpr double most() { return sizeof(T) < 8 ? 2147483647.0 : 9007199254740991.0; }
  [[noreturn]] void fail(const char* name, const std::string& what) const;
  Napi::Value value(const char* name) const;
  Napi::Array array(const char* name) const;
  double number(const char* name) const;
  double integer(const char* name, double least, double most) const;
  int choice(const char* name, const char* names) const;
  void* buffer(const char* name, int64_t count, size_t item) const;
  void* buffer(const char* name, const Napi::Value& id, int64_t count, size_t item) const;

  const char* op_;
  Napi::Object object_;
  Buffers& buffers_;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace doppel
