/** DoppelConv2D on `cpu`, by tfjs's plain kernels: the definition of truth. */
import * as tf from '@tensorflow/tfjs-core';
import { activate, activationGradient } from './activation.ts';
import type { Conv2DAttributes, Conv2DBackpropAttributes, Conv2DBackpropInputs, Conv2DInputs } from './conv2d.ts';
import { runKernel } from './kernel.ts';

export function conv2dCpu({ x, filter, bias }: Conv2DInputs, attrs: Conv2DAttributes): tf.Tensor {
  const linear = tf.conv2d(x, filter, attrs.strides, attrs.pad);
  return activate(bias ? tf.add(linear, bias) : linear, attrs);
}

export function conv2dBackpropCpu(
  { dy, x, filter, y }: Conv2DBackpropInputs,
  attrs: Conv2DBackpropAttributes,
): tf.Tensor[] {
  const g = activationGradient(dy, y, attrs);
  const convAttrs = { strides: [attrs.strides, attrs.strides], pad: attrs.pad, dataFormat: 'NHWC' };
  const gradients = {
    dx: () => runKernel('Conv2DBackpropInput', { dy: g, filter }, { ...convAttrs, inputShape: x.shape }),
    dfilter: () => runKernel('Conv2DBackpropFilter', { x, dy: g }, { ...convAttrs, filterShape: filter.shape }),
    dbias: () => tf.sum(g, [0, 1, 2]),
  };
  return attrs.outputs.map((name) => gradients[name]());
}
