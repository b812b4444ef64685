// Views of global and shared memory: x[i] gives a stand-in for the element, which tells reads from writes and checks
// both.
#pragma once
#include <concepts>
#include <type_traits>

#include "buffers.h"
#include "shared.h"

namespace doppel::cuda {

namespace emulator {

// An index and the line it was written on.
struct Index {
  int64_t value;
  Place place;
  template <std::convertible_to<int64_t> I>
  Index(I value, Place place = Place::current()) : value(static_cast<int64_t>(value)), place(place) {}
};

// Element i of a view, before it is known whether it will be read or written.
template <class View> class Element {
 public:
  using T = typename View::Value;
  Element(View view, int64_t i, Place place) : view_(view), i_(i), place_(place) {}
  Element(const Element&) = default;

  operator T() const { return view_.template read<T>(i_, place_); }
  const Element& operator=(T value) const { return view_.template write<T>(i_, value, place_), *this; }
  const Element& operator=(const Element& other) const { return *this = static_cast<T>(other); }
  const Element& operator+=(T value) const { return *this = static_cast<T>(static_cast<T>(*this) + value); }
  const Element& operator-=(T value) const { return *this = static_cast<T>(static_cast<T>(*this) - value); }
  const Element& operator*=(T value) const { return *this = static_cast<T>(static_cast<T>(*this) * value); }
  const Element& operator/=(T value) const { return *this = static_cast<T>(static_cast<T>(*this) / value); }

  // &x[i], for atomics only.
  struct Address {
    View view;
    int64_t i;
    Place place;
    // Applies f to the element; gives what was there before.
    template <class F> T update(F f) const { return view.update(i, f, place); }
  };
  Address operator&() const { return {view_, i_, place_}; }

 private:
  View view_;
  int64_t i_;
  Place place_;
};

// What an access missed: a shared array by its name, or a view of global memory by where it starts.
struct Span {
  const char* name;
  const void* start;
  int64_t count;
};

[[noreturn]] void fail_index(const char* action, const Span& span, int64_t i, int64_t many, const Place& place);
[[noreturn]] void fail_alignment(const Span& span, int64_t i, size_t bytes, const Place& place);

// A read of bytes that nobody wrote, or any access to some that were given back.
[[noreturn]] void fail_shadow(const void* data, const uint8_t* shadow, size_t bytes, const Place& place);

template <size_t bytes> inline bool all_written(const uint8_t* shadow) {
  for (size_t i = 0; i < bytes; i++) {
    if (shadow[i] != written) return false;
  }
  return true;
}

}  // namespace emulator

namespace emulator {
template <class T> struct FourOf;
template <> struct FourOf<float> { using type = float4; };
template <> struct FourOf<int> { using type = int4; };
template <> struct FourOf<unsigned> { using type = uint4; };
}  // namespace emulator

// Elements of global memory, made on the host from a pointer and their number, passed to kernels by value.
template <class T> class Global {
 public:
  using Value = std::remove_const_t<T>;

  Global() = default;
  Global(T* data, int64_t count, emulator::Place place = emulator::Place::current())
      : data_(data),
        shadow_(count > 0 ? emulator::shadow_of(data, static_cast<size_t>(count) * sizeof(T), place)
                          : emulator::Shadow{}),
        count_(count) {
    if (reinterpret_cast<uintptr_t>(data) % alignof(T) != 0)
      emulator::fail_alignment({nullptr, data, count}, 0, alignof(T), place);
  }
  operator Global<const T>() const requires(!std::is_const_v<T>) {
    return Global<const T>(data_, shadow_, first_, count_);
  }

  explicit operator bool() const { return data_ != nullptr; }

  // The view from element n on. Any n is allowed: only accesses are checked.
  Global operator+(int64_t n) const { return Global(data_, shadow_, first_ + n, count_); }

  auto operator[](emulator::Index i) const {
    if constexpr (std::is_const_v<T>) {
      return read<Value>(i.value, i.place);
    } else {
      return emulator::Element<Global>(*this, i.value, i.place);
    }
  }

  // Several elements from the i-th on as one V (float4, uint2 …): their address must be a multiple of V's size.
  template <class V> V load(emulator::Index i) const { return read<V>(i.value, i.place); }
  template <class V> void store(emulator::Index i, V value) const requires(!std::is_const_v<T>) {
    write<V>(i.value, value, i.place);
  }

  auto load4(emulator::Index i) const { return load<typename emulator::FourOf<Value>::type>(i); }
  template <class V> void store4(emulator::Index i, V value) const {
    store<typename emulator::FourOf<Value>::type>(i, value);
  }

  template <class V> V read(int64_t i, const emulator::Place& place) const {
    const uint8_t* shadow = check<V>("read", i, place);
    if (!emulator::all_written<sizeof(V)>(shadow)) emulator::fail_shadow(address(i), shadow, sizeof(V), place);
    check_writers<V>("read", i, place, false);
    V value;
    std::memcpy(&value, address(i), sizeof(V));
    return value;
  }

  template <class V> void write(int64_t i, V value, const emulator::Place& place) const {
    uint8_t* shadow = check<V>("write", i, place);
    if (*shadow & emulator::freed) emulator::fail_shadow(address(i), shadow, sizeof(V), place);
    check_writers<V>("write", i, place, false);
    set_writers<V>(i, false);
    std::memset(shadow, emulator::written, sizeof(V));
    std::memcpy(address(i), &value, sizeof(V));
  }

  template <class F> Value update(int64_t i, F f, const emulator::Place& place) const {
    const uint8_t* shadow = check<T>("atomic update", i, place);
    if (!emulator::all_written<sizeof(T)>(shadow)) emulator::fail_shadow(address(i), shadow, sizeof(T), place);
    check_writers<T>("atomic update", i, place, true);
    set_writers<T>(i, true);
    emulator::machine.global_atomic();
    const Value before = *address(i);
    *address(i) = f(before);
    return before;
  }

  T* address(int64_t i) const { return data_ + first_ + i; }

 private:
  template <class U> friend class Global;
  Global(T* data, emulator::Shadow shadow, int64_t first, int64_t count)
      : data_(data), shadow_(shadow), first_(first), count_(count) {}

  template <class V> uint8_t* check(const char* action, int64_t i, const emulator::Place& place) const {
    constexpr int64_t many = sizeof(V) / sizeof(T);
    const int64_t at = first_ + i;
    if (at < 0 || at + many > count_) emulator::fail_index(action, {nullptr, data_, count_}, at, many, place);
    if (many > 1 && reinterpret_cast<uintptr_t>(data_ + at) % sizeof(V) != 0)
      emulator::fail_alignment({nullptr, data_, count_}, at, sizeof(V), place);
    return shadow_.bytes + static_cast<size_t>(at) * sizeof(T);
  }

  // Elements smaller than a word are not watched for races: their neighbours share it.
  static constexpr bool watched = sizeof(T) % 4 == 0;

  emulator::Writer* writers(int64_t i) const {
    return shadow_.writers + static_cast<size_t>(first_ + i) * (sizeof(T) / 4);
  }

  template <class V>
  void check_writers(const char* action, int64_t i, const emulator::Place& place, bool atomically) const {
    if constexpr (watched) {
      for (size_t k = 0; k < sizeof(V) / 4; k++) {
        const emulator::Writer& writer = writers(i)[k];
        if (!emulator::may_touch(writer) && !(atomically && writer.atomic))
          emulator::fail_global_race(writer, action, address(i), place);
      }
    }
  }

  template <class V> void set_writers(int64_t i, bool atomically) const {
    if constexpr (watched) {
      for (size_t k = 0; k < sizeof(V) / 4; k++) writers(i)[k] = emulator::this_writer(atomically);
    }
  }

  T* data_ = nullptr;
  emulator::Shadow shadow_;
  int64_t first_ = 0, count_ = 0;
};

// An array of shared memory, declared by DOPPEL_SHARED. Every access is checked against all others since the last
// barrier.
template <class T> class Shared {
 public:
  using Value = T;

  Shared(emulator::SharedArray& array, int64_t count)
      : data_(reinterpret_cast<T*>(emulator::start_of(array, count, sizeof(T)))),
        cells_(emulator::cells_of(array)),
        name_(array.name),
        count_(count) {}

  Shared operator+(int64_t n) const {
    Shared moved = *this;
    moved.first_ += n;
    return moved;
  }

  auto operator[](emulator::Index i) const { return emulator::Element<Shared>(*this, i.value, i.place); }
  template <class V> V load(emulator::Index i) const { return read<V>(i.value, i.place); }
  template <class V> void store(emulator::Index i, V value) const { write<V>(i.value, value, i.place); }
  auto load4(emulator::Index i) const { return load<typename emulator::FourOf<T>::type>(i); }
  template <class V> void store4(emulator::Index i, V value) const {
    store<typename emulator::FourOf<T>::type>(i, value);
  }

  template <class V> V read(int64_t i, const emulator::Place& place) const {
    check<V>("read", i, place);
    emulator::touch_read(cells(i), sizeof(V) / sizeof(T), name_, first_ + i, place);
    V value;
    std::memcpy(&value, address(i), sizeof(V));
    return value;
  }

  template <class V> void write(int64_t i, V value, const emulator::Place& place) const {
    check<V>("write", i, place);
    emulator::touch_write(cells(i), sizeof(V) / sizeof(T), name_, first_ + i, place);
    std::memcpy(address(i), &value, sizeof(V));
  }

  template <class F> T update(int64_t i, F f, const emulator::Place& place) const {
    check<T>("update", i, place);
    emulator::touch_atomic(*cells(i), name_, first_ + i, place);
    const T before = *address(i);
    *address(i) = f(before);
    return before;
  }

  template <class V> void check(const char* action, int64_t i, const emulator::Place& place) const {
    constexpr int64_t many = sizeof(V) / sizeof(T);
    const int64_t at = first_ + i;
    if (at < 0 || at + many > count_) emulator::fail_index(action, {name_, data_, count_}, at, many, place);
    if (many > 1 && reinterpret_cast<uintptr_t>(data_ + at) % sizeof(V) != 0)
      emulator::fail_alignment({name_, data_, count_}, at, sizeof(V), place);
  }

  T* address(int64_t i) const { return data_ + first_ + i; }
  emulator::Cell* cells(int64_t i) const { return cells_ + first_ + i; }
  const char* name() const { return name_; }
  int64_t first() const { return first_; }

 private:
  T* data_;
  emulator::Cell* cells_;
  const char* name_;
  int64_t first_ = 0, count_;
};

}  // namespace doppel::cuda
