// Correlation of templates with windows as a convolution of the windows whose filters are the templates: a product of
// matrices in tiles. What changes place lies between matrices that are turned over: templates [t, h·v·c], maps [t,
// w·n·m].
#include "../runtime.cuh"

namespace doppel::cuda {

namespace {

// [rows, columns] → [columns, rows], times a factor
__global__ void turn_kernel(int64_t rows, int64_t columns, float factor, Global<const float> x, Global<float> y) {
  for (int64_t i = first_index(); i < rows * columns; i += index_step()) {
    const float v = x[i % rows * columns + i / rows];
    y[i] = v * factor;
  }
}

void turn(int64_t rows, int64_t columns, float factor, const float* x, float* y, Runtime& runtime) {
  const int64_t count = rows * columns;
  launch(turn_kernel, grid_for(runtime, count), block_size, stream_of(runtime), rows, columns, factor,
         Global<const float>(x, count), Global<float>(y, count));
}

Conv2DShape convolution(const CorrelateShape& s) {
  Conv2DShape shape{};
  shape.n = s.w, shape.h = s.height, shape.w = s.width, shape.ci = s.c;
  shape.kh = s.h, shape.kw = s.v, shape.co = s.t;
  shape.oh = s.rows(), shape.ow = s.columns(), shape.stride = 1;
  return shape;
}

float share(const CorrelateShape& s) { return static_cast<float>(1.0 / (double{1} * s.h * s.v)); }
int64_t of_template(const CorrelateShape& s) { return s.templates_count() / s.t; }
int64_t of_maps(const CorrelateShape& s) { return s.maps_count() / s.t; }

}  // namespace

void correlate(const Correlate& p, Runtime& runtime) {
  const CorrelateShape& s = p.shape;
  const DeviceScratch<float> filter(runtime, s.templates_count()), maps(runtime, s.maps_count());
  turn(s.t, of_template(s), share(s), p.templates, filter.data(), runtime);
  Conv2D product{};
  product.shape = convolution(s);
  product.x = p.windows, product.filter = filter.data(), product.y = maps.data();
  conv2d(product, runtime);
  turn(of_maps(s), s.t, 1, maps.data(), p.y, runtime);
}

void correlate_backprop(const CorrelateBackprop& p, Runtime& runtime) {
  const CorrelateShape& s = p.shape;
  const DeviceScratch<float> filter(runtime, s.templates_count()), dfilter(runtime, s.templates_count());
  const DeviceScratch<float> dmaps(runtime, s.maps_count());
  turn(s.t, of_template(s), 1, p.templates, filter.data(), runtime);
  turn(s.t, of_maps(s), share(s), p.dy, dmaps.data(), runtime);
  Conv2DBackprop product{};
  product.shape = convolution(s);
  product.dy = dmaps.data(), product.x = p.windows, product.filter = filter.data();
  product.dx = p.dwindows, product.dfilter = dfilter.data();
  conv2d_backprop(product, runtime);
  turn(of_template(s), s.t, 1, dfilter.data(), p.dtemplates, runtime);
}

}  // namespace doppel::cuda
