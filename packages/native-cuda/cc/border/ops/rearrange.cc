#include "../run_op.h"
#include "strides.h"

namespace doppel {

void read(Fields& f, StridedCopy& p) {
  Type type{};
  f.get("dtype", type);
  p.item = static_cast<int>(size_of(type));
  p.rank = read_dims(f, p.dims);
  int64_t x_from = 0, y_from = 0;  // the first element that is read, and written
  f.size("xFrom", x_from);
  f.size("yFrom", y_from);
  f.in("x", p.x, x_from + read_strides(f, "xStrides", p.x_strides, p.dims, p.rank), type);
  f.out("y", p.y, y_from + read_strides(f, "yStrides", p.y_strides, p.dims, p.rank), type);
  p.x = static_cast<const char*>(p.x) + x_from * p.item;
  p.y = static_cast<char*>(p.y) + y_from * p.item;
}

void read(Fields& f, Gather& p) {
  Type type{};
  f.get("dtype", type);
  p.item = static_cast<int>(size_of(type));
  f.size("outer", p.outer);
  f.size("axis", p.axis);
  f.size("inner", p.inner);
  f.size("indices", p.indices);
  f.in("x", p.x, p.outer * p.axis * p.inner, type);
  f.in("index", p.index, p.indices);
  f.out("y", p.y, p.outer * p.indices * p.inner, type);
}

void read(Fields& f, OneHot& p) {
  f.size("count", p.count);
  f.positive("depth", p.depth);
  f.get("dtype", p.type);
  f.get("on", p.on);
  f.get("off", p.off);
  f.in("index", p.index, p.count);
  f.out("y", p.y, p.count * p.depth, p.type);
}

}  // namespace doppel
