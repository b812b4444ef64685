// Fields of a walk through memory: dimensions, and strides in elements.
#pragma once
#include "../fields.h"

namespace doppel {

// Gives the rank.
inline int read_dims(Fields& f, int64_t (&to)[max_rank]) {
  const std::vector<int64_t> dims = f.integers("dims");
  f.need(!dims.empty() && dims.size() <= max_rank, "dims", "must have from 1 to 8 numbers");
  for (size_t d = 0; d < dims.size(); d++) {
    f.need(dims[d] > 0, "dims", "must be positive");
    to[d] = dims[d];
  }
  return static_cast<int>(dims.size());
}

// Gives one past the furthest element that these strides reach.
inline int64_t read_strides(Fields& f, const char* name, int64_t (&to)[max_rank], const int64_t (&dims)[max_rank],
                            int rank) {
  const std::vector<int64_t> strides = f.integers(name);
  f.need(static_cast<int>(strides.size()) == rank, name, "must have a number for each of dims");
  int64_t reach = 1;
  for (int d = 0; d < rank; d++) {
    f.need(strides[d] >= 0, name, "must not be negative");
    to[d] = strides[d];
    reach += (dims[d] - 1) * strides[d];
  }
  return reach;
}

}  // namespace doppel
