#include "border.h"

#include <functional>
#include <stdexcept>

namespace doppel {

Buffers::~Buffers() {
  for (Block& block : blocks_) {
    block.packed.reset();
    if (block.data) pool_.give(block.data, block.bytes);
  }
}

int Buffers::adopt(void* data, size_t bytes) {
  Block block;
  block.data = data;
  block.bytes = bytes;
  if (free_.empty()) {
    blocks_.push_back(std::move(block));
    return static_cast<int>(blocks_.size()) - 1;
  }
  const int id = free_.back();
  free_.pop_back();
  blocks_[id] = std::move(block);
  return id;
}

Block& Buffers::at(int id) {
  if (id < 0 || id >= static_cast<int>(blocks_.size()) || !blocks_[id].data) {
    throw std::runtime_error("there is no buffer " + std::to_string(id) + ": it was disposed, or belongs to another thread");
  }
  return blocks_[id];
}

void Buffers::remove(int id) {
  Block& block = at(id);
  block.packed.reset();
  pool_.give(block.data, block.bytes);
  block = Block{};
  free_.push_back(id);
}

void* Call::data(const Napi::Array& list, const char* role, uint32_t i, int64_t count, size_t item) const {
  const Napi::Value id = list.Get(i);
  if (!id.IsNumber()) throw std::runtime_error(std::string(role) + " " + std::to_string(i) + " is missing");
  const Block& block = buffers_.at(id.As<Napi::Number>().Int32Value());
  if (count < 0 || static_cast<size_t>(count) * item > block.bytes) {
    throw std::runtime_error(std::string(role) + " " + std::to_string(i) + " has " + std::to_string(block.bytes) + " bytes where its shape needs " +
                             std::to_string(count * static_cast<int64_t>(item)));
  }
  return block.data;
}

bool Call::has_input(uint32_t i) const { return inputs_.Get(i).IsNumber(); }
bool Call::has_output(uint32_t i) const { return outputs_.Get(i).IsNumber(); }

PackedCache* Call::packed_cache(uint32_t input) const {
  Block& block = buffers_.at(inputs_.Get(input).As<Napi::Number>().Int32Value());
  if (!block.packed) block.packed = std::make_unique<PackedCache>(runtime.pool());
  return block.packed.get();
}

Napi::Value Call::get(const char* name) const {
  const Napi::Value value = attributes_.Get(name);
  if (value.IsUndefined()) throw std::runtime_error(std::string("the attribute ") + name + " is missing");
  return value;
}

double Call::number(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsNumber()) throw std::runtime_error(std::string("the attribute ") + name + " is not a number");
  return value.As<Napi::Number>().DoubleValue();
}
int Call::integer(const char* name) const { return static_cast<int>(number(name)); }
bool Call::flag(const char* name) const { return get(name).ToBoolean(); }
std::string Call::text(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsString()) throw std::runtime_error(std::string("the attribute ") + name + " is not a string");
  return value.As<Napi::String>().Utf8Value();
}

std::vector<int64_t> Call::integers(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsArray()) throw std::runtime_error(std::string("the attribute ") + name + " is not an array");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<int64_t> numbers(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) numbers[i] = array.Get(i).As<Napi::Number>().Int64Value();
  return numbers;
}

namespace {

template <class E> E choose(const std::string& name, const std::map<std::string, E>& choices, const char* what) {
  const auto found = choices.find(name);
  if (found != choices.end()) return found->second;
  std::string list;
  for (const auto& [key, value] : choices) list += (list.empty() ? "" : ", ") + key;
  throw std::runtime_error("there is no " + std::string(what) + " \"" + name + "\"; there are " + list);
}

const std::map<std::string, Type> types = {{"float32", Type::float32}, {"int32", Type::int32}, {"bool", Type::boolean}};

const std::map<std::string, ActivationKind> activations = {
    {"linear", ActivationKind::linear}, {"relu", ActivationKind::relu}, {"leakyrelu", ActivationKind::leakyrelu}};

const std::map<std::string, Precision> precisions = {{"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"bf16", Precision::bf16}};

const std::map<std::string, BinaryOp> binary_ops = {
    {"add", BinaryOp::add}, {"sub", BinaryOp::sub}, {"mul", BinaryOp::mul}, {"div", BinaryOp::div}, {"maximum", BinaryOp::maximum},
    {"minimum", BinaryOp::minimum}, {"pow", BinaryOp::pow}, {"squaredDifference", BinaryOp::squared_difference},
    {"floorDiv", BinaryOp::floor_div}, {"mod", BinaryOp::mod}, {"prelu", BinaryOp::prelu}, {"equal", BinaryOp::equal},
    {"notEqual", BinaryOp::not_equal}, {"greater", BinaryOp::greater}, {"greaterEqual", BinaryOp::greater_equal}, {"less", BinaryOp::less},
    {"lessEqual", BinaryOp::less_equal}, {"logicalAnd", BinaryOp::logical_and}, {"logicalOr", BinaryOp::logical_or}};

const std::map<std::string, UnaryOp> unary_ops = {
    {"neg", UnaryOp::neg}, {"abs", UnaryOp::abs}, {"exp", UnaryOp::exp}, {"expm1", UnaryOp::expm1}, {"log", UnaryOp::log},
    {"log1p", UnaryOp::log1p}, {"sqrt", UnaryOp::sqrt}, {"rsqrt", UnaryOp::rsqrt}, {"square", UnaryOp::square},
    {"reciprocal", UnaryOp::reciprocal}, {"sigmoid", UnaryOp::sigmoid}, {"tanh", UnaryOp::tanh}, {"relu", UnaryOp::relu},
    {"relu6", UnaryOp::relu6}, {"leakyrelu", UnaryOp::leakyrelu}, {"elu", UnaryOp::elu}, {"softplus", UnaryOp::softplus},
    {"step", UnaryOp::step}, {"sign", UnaryOp::sign}, {"floor", UnaryOp::floor}, {"ceil", UnaryOp::ceil}, {"round", UnaryOp::round},
    {"sin", UnaryOp::sin}, {"cos", UnaryOp::cos}, {"erf", UnaryOp::erf}, {"clip", UnaryOp::clip},
    {"logicalNot", UnaryOp::logical_not}, {"isNaN", UnaryOp::is_nan}};

const std::map<std::string, ReduceOp> reduce_ops = {
    {"sum", ReduceOp::sum}, {"mean", ReduceOp::mean}, {"max", ReduceOp::max}, {"min", ReduceOp::min},
    {"prod", ReduceOp::prod}, {"any", ReduceOp::any}, {"all", ReduceOp::all}};

void need(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// [n, h, w, ci, kh, kw, co, oh, ow, stride, top, left]
Conv2DShape conv_shape(const Call& call) {
  const auto v = call.integers("shape");
  need(v.size() == 12, "a convolution's shape has 12 numbers");
  for (int i = 0; i < 10; i++) need(v[i] > 0 && v[i] < INT32_MAX, "a convolution's sides, channels and stride must be positive");
  auto at = [&](int i) { return static_cast<int>(v[i]); };
  return {at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11)};
}

int64_t x_count(const Conv2DShape& s) { return int64_t{s.n} * s.h * s.w * s.ci; }
int64_t y_count(const Conv2DShape& s) { return int64_t{s.n} * s.oh * s.ow * s.co; }
int64_t filter_count(const Conv2DShape& s) { return int64_t{s.kh} * s.kw * s.ci * s.co; }

void conv2d(const Call& call, const Ops& ops) {
  const Conv2DShape s = conv_shape(call);
  Conv2D p{s, call.activation(), call.input<float>(0, x_count(s)), call.input<float>(1, filter_count(s)), nullptr, call.output<float>(0, y_count(s)), call.packed_cache(1), call.flag("exact")};
  if (call.has_input(2)) p.bias = call.input<float>(2, s.co);
  p.precision = call.precision();
  (p.precision == Precision::bf16 ? ops.conv2d_bf16 : ops.conv2d)(p, call.runtime);
}

void conv2d_backprop(const Call& call, const Ops& ops) {
  const Conv2DShape s = conv_shape(call);
  Conv2DBackprop p{};
  p.shape = s;
  p.activation = call.activation();
  p.dy = call.input<float>(0, y_count(s));
  if (p.activation.kind != ActivationKind::linear) p.y = call.input<float>(3, y_count(s));
  // The input is needed for the filter's gradient only, and the filter for the input's.
  if (call.has_output(0)) p.filter = call.input<float>(2, filter_count(s)), p.dx = call.output<float>(0, x_count(s));
  if (call.has_output(1)) p.x = call.input<float>(1, x_count(s)), p.dfilter = call.output<float>(1, filter_count(s));
  if (call.has_output(2)) p.dbias = call.output<float>(2, s.co);
  p.precision = call.precision();
  ops.conv2d_backprop(p, call.runtime);
}

void matmul(const Call& call, const Ops& ops) {
  MatMul p{};
  p.batch = call.integer("batch"), p.m = call.integer("m"), p.k = call.integer("k"), p.n = call.integer("n");
  need(p.batch >= 0 && p.m >= 0 && p.k >= 0 && p.n >= 0, "a matrix product's sides must not be negative");
  p.transpose_a = call.flag("transposeA"), p.transpose_b = call.flag("transposeB");
  p.broadcast_a = call.flag("broadcastA"), p.broadcast_b = call.flag("broadcastB");
  p.activation = call.activation();
  p.precision = call.precision();
  p.a = call.input<float>(0, int64_t{p.broadcast_a ? 1 : p.batch} * p.m * p.k);
  p.b = call.input<float>(1, int64_t{p.broadcast_b ? 1 : p.batch} * p.k * p.n);
  if (call.has_input(2)) p.bias = call.input<float>(2, p.n);
  p.y = call.output<float>(0, int64_t{p.batch} * p.m * p.n);
  if (int64_t{p.batch} * p.m * p.n > 0) ops.matmul(p, call.runtime);
}

// Copies `from` to `to` and returns one past the furthest element that these strides reach.
int64_t read_strides(const std::vector<int64_t>& from, int64_t* to, const int64_t* dims, int rank) {
  need(static_cast<int>(from.size()) == rank, "strides and dimensions differ in number");
  int64_t reach = 1;
  for (int d = 0; d < rank; d++) {
    need(from[d] >= 0, "strides must not be negative");
    to[d] = from[d];
    reach += (dims[d] - 1) * from[d];
  }
  return reach;
}

int read_dims(const std::vector<int64_t>& from, int64_t* to) {
  need(!from.empty() && from.size() <= max_rank, "from 1 to 8 dimensions are served");
  for (size_t d = 0; d < from.size(); d++) {
    need(from[d] > 0, "dimensions must be positive");
    to[d] = from[d];
  }
  return static_cast<int>(from.size());
}

int64_t product(const int64_t* dims, int rank) {
  int64_t count = 1;
  for (int d = 0; d < rank; d++) count *= dims[d];
  return count;
}

void binary(const Call& call, const Ops& ops) {
  Binary p{};
  p.op = choose(call.text("op"), binary_ops, "binary operation");
  p.type = call.type("dtype");
  const bool comparison = p.op >= BinaryOp::equal;
  need(p.type != Type::boolean || comparison, "arithmetic on booleans is not served");
  p.rank = read_dims(call.integers("dims"), p.dims);
  p.a = call.input(0, read_strides(call.integers("aStrides"), p.a_strides, p.dims, p.rank), p.type);
  p.b = call.input(1, read_strides(call.integers("bStrides"), p.b_strides, p.dims, p.rank), p.type);
  p.y = call.output(0, product(p.dims, p.rank), comparison ? Type::boolean : p.type);
  ops.binary(p, call.runtime);
}

void unary(const Call& call, const Ops& ops) {
  Unary p{};
  p.op = choose(call.text("op"), unary_ops, "unary operation");
  p.type = call.type("dtype");
  need(p.type == (p.op == UnaryOp::logical_not ? Type::boolean : p.type), "the logical not takes booleans");
  need(p.type != Type::boolean || p.op == UnaryOp::logical_not, "arithmetic on booleans is not served");
  need(p.type != Type::int32 || p.op == UnaryOp::neg || p.op == UnaryOp::abs || p.op == UnaryOp::square, "this operation takes float32");
  p.count = static_cast<int64_t>(call.number("count"));
  p.p0 = static_cast<float>(call.number("p0")), p.p1 = static_cast<float>(call.number("p1"));
  p.x = call.input(0, p.count, p.type);
  p.y = call.output(0, p.count, p.op == UnaryOp::is_nan ? Type::boolean : p.type);
  ops.unary(p, call.runtime);
}

void cast(const Call& call, const Ops& ops) {
  Cast p{call.type("from"), call.type("to"), static_cast<int64_t>(call.number("count")), nullptr, nullptr};
  p.x = call.input(0, p.count, p.from);
  p.y = call.output(0, p.count, p.to);
  ops.cast(p, call.runtime);
}

void select(const Call& call, const Ops& ops) {
  const Type type = call.type("dtype");
  Select p{static_cast<int64_t>(call.number("count")), static_cast<int64_t>(call.number("inner")), static_cast<int>(Call::size_of(type)), nullptr, nullptr, nullptr, nullptr};
  need(p.inner > 0, "the inner size must be positive");
  p.condition = call.input<uint8_t>(0, p.count);
  p.a = call.input(1, p.count * p.inner, type);
  p.b = call.input(2, p.count * p.inner, type);
  p.y = call.output(0, p.count * p.inner, type);
  ops.select(p, call.runtime);
}

void fill(const Call& call, const Ops& ops) {
  Fill p{call.type("dtype"), static_cast<int64_t>(call.number("count")), call.number("value"), nullptr};
  p.y = call.output(0, p.count, p.type);
  ops.fill(p, call.runtime);
}

void add_n(const Call& call, const Ops& ops) {
  const int64_t count = static_cast<int64_t>(call.number("count"));
  need(call.inputs() > 0, "a sum needs an input");
  std::vector<const float*> inputs;
  for (uint32_t i = 0; i < call.inputs(); i++) inputs.push_back(call.input<float>(i, count));
  ops.add_n({static_cast<int>(inputs.size()), count, inputs.data(), call.output<float>(0, count)}, call.runtime);
}

void strided_copy(const Call& call, const Ops& ops) {
  StridedCopy p{};
  const Type type = call.type("dtype");
  p.item = static_cast<int>(Call::size_of(type));
  p.rank = read_dims(call.integers("dims"), p.dims);
  const int64_t x_reach = read_strides(call.integers("xStrides"), p.x_strides, p.dims, p.rank);
  const int64_t y_reach = read_strides(call.integers("yStrides"), p.y_strides, p.dims, p.rank);
  const int64_t x_from = static_cast<int64_t>(call.number("xFrom")), y_from = static_cast<int64_t>(call.number("yFrom"));
  need(x_from >= 0 && y_from >= 0, "offsets must not be negative");
  p.x = static_cast<const char*>(call.input(0, x_from + x_reach, type)) + x_from * p.item;
  p.y = static_cast<char*>(call.output(0, y_from + y_reach, type)) + y_from * p.item;
  ops.strided_copy(p, call.runtime);
}

void gather(const Call& call, const Ops& ops) {
  const Type type = call.type("dtype");
  Gather p{static_cast<int>(Call::size_of(type)), static_cast<int64_t>(call.number("outer")), static_cast<int64_t>(call.number("axis")),
           static_cast<int64_t>(call.number("inner")), static_cast<int64_t>(call.number("indices")), nullptr, nullptr, nullptr};
  p.x = call.input(0, p.outer * p.axis * p.inner, type);
  p.index = call.input<int32_t>(1, p.indices);
  p.y = call.output(0, p.outer * p.indices * p.inner, type);
  ops.gather(p, call.runtime);
}

void one_hot(const Call& call, const Ops& ops) {
  OneHot p{static_cast<int64_t>(call.number("count")), call.integer("depth"), call.type("dtype"),
           static_cast<float>(call.number("on")), static_cast<float>(call.number("off")), nullptr, nullptr};
  need(p.depth > 0, "the depth must be positive");
  p.index = call.input<int32_t>(0, p.count);
  p.y = call.output(0, p.count * p.depth, p.type);
  ops.one_hot(p, call.runtime);
}

void reduce(const Call& call, const Ops& ops) {
  Reduce p{choose(call.text("op"), reduce_ops, "reduction"), call.type("dtype"), static_cast<int64_t>(call.number("outer")),
           static_cast<int64_t>(call.number("reduced")), static_cast<int64_t>(call.number("inner")), nullptr, nullptr};
  p.x = call.input(0, p.outer * p.reduced * p.inner, p.type);
  p.y = call.output(0, p.outer * p.inner, p.type);
  ops.reduce(p, call.runtime);
}

void arg_reduce(const Call& call, const Ops& ops) {
  ArgReduce p{call.flag("max"), static_cast<int64_t>(call.number("outer")), static_cast<int64_t>(call.number("reduced")),
              static_cast<int64_t>(call.number("inner")), nullptr, nullptr};
  p.x = call.input<float>(0, p.outer * p.reduced * p.inner);
  p.y = call.output<int32_t>(0, p.outer * p.inner);
  ops.arg_reduce(p, call.runtime);
}

void softmax(const Call& call, const Ops& ops) {
  Softmax p{call.flag("log"), static_cast<int64_t>(call.number("rows")), static_cast<int64_t>(call.number("columns")), nullptr, nullptr};
  need(p.columns > 0, "a softmax needs columns");
  p.x = call.input<float>(0, p.rows * p.columns);
  p.y = call.output<float>(0, p.rows * p.columns);
  ops.softmax(p, call.runtime);
}

// [n, h, w, c, oh, ow, kh, kw, sh, sw, top, left]
PoolShape pool_shape(const Call& call) {
  const auto v = call.integers("shape");
  need(v.size() == 12, "a pooling's shape has 12 numbers");
  for (int i = 0; i < 10; i++) need(v[i] > 0 && v[i] < INT32_MAX, "a pooling's sides, channels and strides must be positive");
  auto at = [&](int i) { return static_cast<int>(v[i]); };
  return {at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11)};
}

void pool(const Call& call, const Ops& ops) {
  const PoolShape s = pool_shape(call);
  ops.pool({s, call.flag("max"), call.input<float>(0, int64_t{s.n} * s.h * s.w * s.c), call.output<float>(0, int64_t{s.n} * s.oh * s.ow * s.c)}, call.runtime);
}

void pool_grad(const Call& call, const Ops& ops) {
  const PoolShape s = pool_shape(call);
  const int64_t x = int64_t{s.n} * s.h * s.w * s.c;
  PoolGrad p{s, call.flag("max"), call.input<float>(0, int64_t{s.n} * s.oh * s.ow * s.c), nullptr, call.output<float>(0, x)};
  if (p.max) p.x = call.input<float>(1, x);
  ops.pool_grad(p, call.runtime);
}

void resize_nearest(const Call& call, const Ops& ops) {
  const auto v = call.integers("shape");  // [n, h, w, c, oh, ow]
  need(v.size() == 6, "a resizing's shape has 6 numbers");
  for (const int64_t side : v) need(side > 0 && side < INT32_MAX, "a resizing's sides and channels must be positive");
  auto indices = [&](const char* name, int64_t count, int64_t below) {
    std::vector<int> out;
    for (const int64_t i : call.integers(name)) {
      need(i >= 0 && i < below, "a resizing reads outside its input");
      out.push_back(static_cast<int>(i));
    }
    need(static_cast<int64_t>(out.size()) == count, "a resizing needs one index an output row and column");
    return out;
  };
  const auto rows = indices("rows", v[4], v[1]), columns = indices("columns", v[5], v[2]);
  const bool gradient = call.flag("gradient");
  const int64_t small = v[0] * v[1] * v[2] * v[3], large = v[0] * v[4] * v[5] * v[3];
  auto at = [&](int i) { return static_cast<int>(v[i]); };
  ops.resize_nearest({at(0), at(1), at(2), at(3), at(4), at(5), rows.data(), columns.data(), call.input<float>(0, gradient ? large : small),
                      call.output<float>(0, gradient ? small : large), gradient},
                     call.runtime);
}

void batch_norm(const Call& call, const Ops& ops) {
  const int64_t rows = static_cast<int64_t>(call.number("rows"));
  const int c = call.integer("channels");
  need(rows > 0 && c > 0, "batch normalisation needs rows and channels");
  ops.batch_norm({rows, c, static_cast<float>(call.number("epsilon")), call.activation(), call.input<float>(0, rows * c), call.input<float>(1, c),
                  call.input<float>(2, c), call.output<float>(0, rows * c), call.output<float>(1, c), call.output<float>(2, c)},
                 call.runtime);
}

// Inputs x, mean, variance, gamma or null, beta or null.
void batch_norm_inference(const Call& call, const Ops& ops) {
  const int64_t rows = static_cast<int64_t>(call.number("rows"));
  const int c = call.integer("channels");
  need(rows > 0 && c > 0, "batch normalisation needs rows and channels");
  ops.batch_norm_inference({rows, c, static_cast<float>(call.number("epsilon")), call.input<float>(0, rows * c),
                            call.has_input(3) ? call.input<float>(3, c) : nullptr, call.has_input(4) ? call.input<float>(4, c) : nullptr,
                            call.input<float>(1, c), call.input<float>(2, c), call.output<float>(0, rows * c)},
                           call.runtime);
}

void batch_norm_backprop(const Call& call, const Ops& ops) {
  const int64_t rows = static_cast<int64_t>(call.number("rows"));
  const int c = call.integer("channels");
  need(rows > 0 && c > 0, "batch normalisation needs rows and channels");
  ops.batch_norm_backprop({rows, c, static_cast<float>(call.number("epsilon")), call.activation(), call.input<float>(0, rows * c),
                           call.input<float>(1, rows * c), call.input<float>(2, c), call.input<float>(3, c), call.input<float>(4, c),
                           call.input<float>(5, c), call.output<float>(0, rows * c), call.output<float>(1, c), call.output<float>(2, c)},
                          call.runtime);
}

void pixel_norm(const Call& call, const Ops& ops) {
  const int64_t rows = static_cast<int64_t>(call.number("rows"));
  const int c = call.integer("channels");
  need(rows >= 0 && c > 0, "pixel normalisation needs channels");
  PixelNorm p{rows, c, static_cast<float>(call.number("epsilon")), nullptr, call.input<float>(0, rows * c), call.output<float>(0, rows * c)};
  if (call.has_input(1)) p.dy = call.input<float>(1, rows * c);
  ops.pixel_norm(p, call.runtime);
}

uint64_t counter(const Call& call, const char* name) {
  const double value = call.number(name);
  need(value >= 0 && value < 9007199254740992.0, "seed and offset must be non-negative integers below 2^53");
  return static_cast<uint64_t>(value);
}

void philox(const Call& call, const Ops& ops) {
  const int64_t count = static_cast<int64_t>(call.number("count"));
  ops.philox({call.flag("normal"), counter(call, "seed"), counter(call, "offset"), count, call.output<float>(0, count)}, call.runtime);
}

void reparameterize(const Call& call, const Ops& ops) {
  const int64_t n = call.integer("n"), d = call.integer("d");
  need(n > 0 && d > 0, "a reparameterisation needs rows and latents");
  ops.reparameterize({n, d, call.input<float>(0, n * d), call.input<float>(1, n * d), call.has_input(2) ? call.input<float>(2, n * d) : nullptr,
                      counter(call, "seed"), counter(call, "offset"), call.output<float>(0, n * d), call.output<float>(1, n), call.output<float>(2, n * d)},
                     call.runtime);
}

void reparameterize_backprop(const Call& call, const Ops& ops) {
  const int64_t n = call.integer("n"), d = call.integer("d");
  need(n > 0 && d > 0, "a reparameterisation needs rows and latents");
  ops.reparameterize_backprop({n, d, call.input<float>(0, n * d), call.input<float>(1, n), call.input<float>(2, n * d), call.input<float>(3, n * d),
                               call.input<float>(4, n * d), call.output<float>(0, n * d), call.output<float>(1, n * d)},
                              call.runtime);
}

// Inputs p…, g…, m…, v…; outputs p…, m…, v….
void adam(const Call& call, const Ops& ops) {
  const auto counts = call.integers("counts");
  const uint32_t n = static_cast<uint32_t>(counts.size());
  std::vector<AdamTensor> tensors;
  for (uint32_t i = 0; i < n; i++) {
    const int64_t c = counts[i];
    tensors.push_back({c, call.input<float>(i, c), call.input<float>(n + i, c), call.input<float>(2 * n + i, c), call.input<float>(3 * n + i, c),
                       call.output<float>(i, c), call.output<float>(n + i, c), call.output<float>(2 * n + i, c)});
  }
  const int64_t step = static_cast<int64_t>(call.number("step"));
  need(step >= 1, "the step counts from 1");
  ops.adam({static_cast<int>(n), tensors.data(), call.number("learningRate"), call.number("beta1"), call.number("beta2"), call.number("epsilon"), step}, call.runtime);
}

void measure(const Call& call, const Ops& ops) { ops.measure({call.flag("bandwidth"), call.output<float>(0, 1)}, call.runtime); }

using Entry = void (*)(const Call&, const Ops&);

const std::map<std::string, Entry> entries = {
    {"conv2d", conv2d}, {"conv2dBackprop", conv2d_backprop}, {"matmul", matmul}, {"binary", binary}, {"unary", unary}, {"cast", cast},
    {"select", select}, {"fill", fill}, {"addN", add_n}, {"stridedCopy", strided_copy}, {"gather", gather}, {"oneHot", one_hot},
    {"reduce", reduce}, {"argReduce", arg_reduce}, {"softmax", softmax}, {"pool", pool}, {"poolGrad", pool_grad},
    {"resizeNearest", resize_nearest}, {"batchNorm", batch_norm}, {"batchNormInference", batch_norm_inference}, {"batchNormBackprop", batch_norm_backprop}, {"pixelNorm", pixel_norm},
    {"philox", philox}, {"reparameterize", reparameterize}, {"reparameterizeBackprop", reparameterize_backprop}, {"adam", adam}, {"measure", measure},
};

}  // namespace

Type Call::type(const char* name) const { return choose(text(name), types, "type"); }

Precision Call::precision() const { return choose(text("precision"), precisions, "precision"); }

Activation Call::activation() const {
  const ActivationKind kind = choose(text("activation"), activations, "activation");
  const float alpha = kind == ActivationKind::leakyrelu ? static_cast<float>(number("leakyreluAlpha")) : kind == ActivationKind::relu ? 0.f : 1.f;
  return {kind, alpha};
}

void run_op(const std::string& name, const Ops& ops, const Call& call) { choose(name, entries, "op")(call, ops); }

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.push_back(name);
  return names;
}

}  // namespace doppel
