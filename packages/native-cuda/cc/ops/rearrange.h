// Copies that change the place of elements: one strided copy serves transpose, slice, pad, concat, tile and broadcast.
#pragma once
#include "elementwise.h"

namespace doppel {

struct StridedCopy {
  int item;  // bytes of an element: 1 or 4
  int rank;
  int64_t dims[max_rank], x_strides[max_rank], y_strides[max_rank];  // in elements
  const void* x;                                                     // at the first element that is read
  void* y;                                                           // at the first element that is written
};

// y[o, i, :] = x[o, index[i], :]
struct Gather {
  int item;
  int64_t outer, axis, inner, indices;
  const void* x;
  const int32_t* index;
  void* y;
};

struct OneHot {
  int64_t count;
  int depth;
  Type type;
  float on, off;
  const int32_t* index;
  void* y;
};

}  // namespace doppel
