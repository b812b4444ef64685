#include "../run_op.h"
#include "strides.h"

namespace doppel {

void read(Fields& f, Binary& p) {
  f.get("op", p.op);
  f.get("dtype", p.type);
  const bool comparison = p.op >= BinaryOp::equal;
  f.need(p.type != Type::boolean || comparison, "dtype", "must not be bool for arithmetic");
  p.rank = read_dims(f, p.dims);
  int64_t count = 1;
  for (int d = 0; d < p.rank; d++) count *= p.dims[d];
  f.in("a", p.a, read_strides(f, "aStrides", p.a_strides, p.dims, p.rank), p.type);
  f.in("b", p.b, read_strides(f, "bStrides", p.b_strides, p.dims, p.rank), p.type);
  f.out("y", p.y, count, comparison ? Type::boolean : p.type);
}

void read(Fields& f, Unary& p) {
  f.get("op", p.op);
  f.get("dtype", p.type);
  const bool for_integers = p.op == UnaryOp::neg || p.op == UnaryOp::abs || p.op == UnaryOp::square;
  f.need((p.type == Type::boolean) == (p.op == UnaryOp::logical_not), "dtype",
         "must be bool for logical_not, and for nothing else");
  f.need(p.type != Type::int32 || for_integers, "dtype", "must be float32 for this operation");
  f.size("count", p.count);
  f.get("p0", p.p0);
  f.get("p1", p.p1);
  f.in("x", p.x, p.count, p.type);
  f.out("y", p.y, p.count, p.op == UnaryOp::is_nan ? Type::boolean : p.type);
}

void read(Fields& f, Cast& p) {
  f.get("from", p.from);
  f.get("to", p.to);
  f.size("count", p.count);
  f.in("x", p.x, p.count, p.from);
  f.out("y", p.y, p.count, p.to);
}

void read(Fields& f, Select& p) {
  Type type{};
  f.get("dtype", type);
  p.item = static_cast<int>(size_of(type));
  f.size("count", p.count);
  f.positive("inner", p.inner);
  f.in("condition", p.condition, p.count);
  f.in("a", p.a, p.count * p.inner, type);
  f.in("b", p.b, p.count * p.inner, type);
  f.out("y", p.y, p.count * p.inner, type);
}

void read(Fields& f, Fill& p) {
  f.get("dtype", p.type);
  f.size("count", p.count);
  f.get("value", p.value);
  f.out("y", p.y, p.count, p.type);
}

void read(Fields& f, AddN& p) {
  f.size("count", p.count);
  std::vector<const float*> inputs = f.buffers("x", p.count);
  f.need(!inputs.empty(), "x", "must hold a buffer");
  p.inputs = static_cast<int>(inputs.size());
  p.x = f.keep(std::move(inputs));
  f.out("y", p.y, p.count);
}

}  // namespace doppel
