// Enumerations whose enumerators JavaScript names the same.
#pragma once

// The enumeration, and its enumerators as one text, "linear, relu, leakyrelu", in their order.
#define DOPPEL_NAMED_ENUM(Enum, ...)                                  \
  enum class Enum { __VA_ARGS__ };                                    \
  constexpr const char* enumerators_of(Enum) { return #__VA_ARGS__; } \
  static_assert(true)
