// Reads the struct of an op, field by field and by name. The functions `read` of ops/ declare the fields: called once
// without values they give the names, and JavaScript passes the values of an object in the order of that list, since a
// look-up by name across the border costs more than a small op. A field that is missing, of another type or out of
// range is a FieldError that names op and field. Buffers are numbers; null stands for one that is absent.
#pragma once
#include <napi.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "../capture.h"
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
  using Names = std::vector<const char*>;

  // `touched`, where it is given, gets the blocks of the buffers.
  Fields(const char* op, const Names& names, Napi::Array values, Buffers& buffers, Touched* touched = nullptr);
  // Collects the names; every field keeps the value it has. Each branch of a `read` names the same fields.
  explicit Fields(Names& names) : collected_(&names) {}

  void get(const char* name, bool& to);
  void get(const char* name, double& to);
  void get(const char* name, float& to);
  // Integers: within the type's range, and within that of JavaScript's.
  template <class T>
  requires std::is_integral_v<T>
  void get(const char* name, T& to) { integer(name, to, std::is_unsigned_v<T> ? 0 : -most<T>()); }
  // One of the enumerators, by its name.
  template <class E>
  requires std::is_enum_v<E>
  void get(const char* name, E& to) { to = static_cast<E>(choice(name, enumerators_of(E{}))); }
  void get(const char* name, Type& to);  // float32, int32 or bool
  // Greater than 0: sides, channels, strides.
  template <class T> void positive(const char* name, T& to) { integer(name, to, 1); }
  // Not negative: counts.
  template <class T> void size(const char* name, T& to) { integer(name, to, 0); }
  std::vector<int64_t> integers(const char* name);

  // A buffer of at least so many elements.
  template <class T> void in(const char* name, const T*& to, int64_t count) {
    to = static_cast<const T*>(read(buffer(name, count, sizeof(T))));
  }
  template <class T> void out(const char* name, T*& to, int64_t count) {
    to = static_cast<T*>(written(buffer(name, count, sizeof(T))));
  }
  void in(const char* name, const void*& to, int64_t count, Type type) {
    to = read(buffer(name, count, size_of(type)));
  }
  void out(const char* name, void*& to, int64_t count, Type type) {
    to = written(buffer(name, count, size_of(type)));
  }
  template <class T> void in_if_given(const char* name, const T*& to, int64_t count) {
    to = static_cast<const T*>(read(buffer(name, count, sizeof(T), true)));
  }
  template <class T> void out_if_given(const char* name, T*& to, int64_t count) {
    to = static_cast<T*>(written(buffer(name, count, sizeof(T), true)));
  }
  // With what kernels keep of it.
  void in(const char* name, const float*& to, PackedCache*& packed, int64_t count);
  // Buffers of a list: counts[i] elements of float32 in the i-th, or `count` in each.
  std::vector<float*> buffers(const char* name, const std::vector<int64_t>& counts);
  std::vector<const float*> buffers(const char* name, int64_t count);
  // A field that does not matter for the others' values.
  void skip(const char* name) { next(name); }

  // A list that lives as long as this object, or as what `kept` gives.
  template <class T> const T* keep(std::vector<T> list) {
    auto kept = std::make_shared<std::vector<T>>(std::move(list));
    const T* data = kept->data();
    kept_.push_back(std::move(kept));
    return data;
  }

  std::vector<std::shared_ptr<void>> kept() const { return kept_; }

  // Throws a FieldError of that field unless the condition holds.
  void need(bool holds, const char* name, const char* what) const {
    if (!holds && !collected_) fail(name, what);
  }

 private:
  template <class T> static constexpr double most() { return sizeof(T) < 8 ? 2147483647.0 : 9007199254740991.0; }
  template <class T> void integer(const char* name, T& to, double least) {
    const double found = number(name, static_cast<double>(to));
    const bool fits = found >= least && found <= most<T>() && static_cast<double>(static_cast<T>(found)) == found;
    if (fits) to = static_cast<T>(found);
    else if (!collected_) fail_integer(name, found, least, most<T>());
  }
  [[noreturn]] void fail(const char* name, const std::string& what) const;
  [[noreturn]] void fail(const char* name, const char* expected, napi_value found) const;
  [[noreturn]] void fail_integer(const char* name, double found, double least, double most) const;
  napi_value next(const char* name);  // null while names are collected
  double number(const char* name, double otherwise);
  int choice(const char* name, const char* names);
  Napi::Array array(const char* name, napi_value found) const;
  Block& block(const char* name, napi_value id, int64_t count, size_t item) const;
  Block& buffer(const char* name, int64_t count, size_t item, bool may_be_null = false);
  void* read(const Block& block);
  void* written(Block& block);
  void* owned(const Block& block);

  const char* op_ = "";
  const Names* names_ = nullptr;
  Names* collected_ = nullptr;
  napi_env env_ = nullptr;
  napi_value values_ = nullptr;
  uint32_t next_ = 0;
  Buffers* buffers_ = nullptr;
  Touched* touched_ = nullptr;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace doppel
