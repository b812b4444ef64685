// The ways to compute a convolution on this instruction set. conv2d.cc chooses among them.
#pragma once
#include "simd.h"

namespace doppel::DOPPEL_ISA {

// Any kernel size, stride and padding: the indirect matrix kernel.
void conv2d_indirect(const Conv2D&, Runtime&);
// To few output channels: vectors run along the input channels, since along so few outputs most lanes would idle.
bool conv2d_few_serves(const Conv2DShape&);
void conv2d_few(const Conv2D&, Runtime&);
// As conv2d_indirect, with factors rounded to bfloat16.
void conv2d_bf16(const Conv2D&, Runtime&);
// dx from g, the same way as conv2d_indirect; a strided convolution falls into stride² phases, each with the taps that
// reach it.
void conv2d_dx_indirect(const Conv2DShape&, const float* g, const float* filter, float* dx, Runtime&);
// dfilter from x and g: register blocks of dfilter accumulate over the pixels of some rows.
void conv2d_dfilter_direct(const Conv2DShape&, const float* x, const float* g, float* dfilter, Runtime&);

// out[ci, co] += Σ over rows of x[row, ci] · g[row, co]; co is a multiple of `lanes`. May read a vector past the end of
// g.
void accumulate_outer_products(const float* x, int64_t ci, const float* g, int64_t co, int rows, float* out);

// 3×3 of stride 1 with whole vectors of channels: Winograd's F(4×4, 3×3), from so many tiles on: the transformed filter
// is four times as large, and with fewer, reading it costs more than is saved. Scoring keeps it from call to call.
constexpr int64_t fewest_tiles_forward = 16, fewest_tiles_backward = 32;
bool winograd_serves(const Conv2DShape&, int64_t fewest_tiles);
void conv2d_winograd(const Conv2D&, Runtime&);
void conv2d_dx_winograd(const Conv2DShape&, const float* g, const float* filter, float* dx, Runtime&);
void conv2d_dfilter_winograd(const Conv2DShape&, const float* x, const float* g, float* dfilter, Runtime&);

}  // namespace doppel::DOPPEL_ISA
