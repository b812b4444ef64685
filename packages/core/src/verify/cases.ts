/** Computes each kind of reference case: outputs by the name that follows `expect.` in the file. */
import * as tf from '@tensorflow/tfjs-core';
import {
  type Activation,
  adam,
  avgPool,
  batchNorm,
  conv2d,
  correlate,
  dense,
  gammaLikelihood,
  localisationLoss,
  maxPool,
  minibatchStddev,
  pixelNorm,
  reparameterize,
  unitCells,
  upsampleBilinear,
  upsampleNearest,
} from '../ops/ops.ts';
import type { CaseKind, Outputs, Settings } from './case.ts';
import { verifyMatcher } from './matcher_case.ts';
import { verifyWganGp } from './wgan_gp_case.ts';

const number = (settings: Settings, key: string, fallback: number) => (settings[key] as number | undefined) ?? fallback;
const text = <T extends string>(settings: Settings, key: string, fallback: T) =>
  (settings[key] as T | undefined) ?? fallback;

/** Value of f, and its gradient by each named input for the cotangent dy. */
function valueAndGradients(
  f: (...tensors: tf.Tensor[]) => tf.Tensor,
  inputs: Record<string, tf.Tensor>,
  dy: tf.Tensor,
): Outputs {
  const { value, grads } = tf.valueAndGrads(f)(Object.values(inputs), dy);
  const gradients = Object.keys(inputs).map((name, i) => [`d${name}`, grads[i]!]);
  return { y: value, ...Object.fromEntries(gradients) };
}

/** A kind with one input x and the cotangent dy. */
function unary(op: (x: tf.Tensor4D, settings: Settings) => tf.Tensor): CaseKind {
  return {
    run: (inputs, settings) =>
      valueAndGradients((x) => op(x as tf.Tensor4D, settings), { x: inputs.get('x') }, inputs.get('dy')),
  };
}

const pooling = (settings: Settings) => ({
  size: number(settings, 'size', 2),
  strides: number(settings, 'strides', number(settings, 'size', 2)),
  pad: text<'same' | 'valid'>(settings, 'pad', 'valid'),
});

const activation = (settings: Settings) => ({
  activation: text<Activation>(settings, 'activation', 'linear'),
  leakyreluAlpha: number(settings, 'leakyreluAlpha', 0.2),
});

const conv: CaseKind = {
  run(inputs, settings) {
    const options = {
      strides: number(settings, 'strides', 1),
      dilations: number(settings, 'dilations', 1),
      pad: text<'same' | 'valid'>(settings, 'pad', 'same'),
      ...activation(settings),
    };
    const wanted: Record<string, tf.Tensor> = { x: inputs.get('x'), filter: inputs.get('filter') };
    if (inputs.has('bias')) wanted.bias = inputs.get('bias');
    const f = (x: tf.Tensor, filter: tf.Tensor, bias?: tf.Tensor) =>
      conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, (bias as tf.Tensor1D | undefined) ?? null, options);
    return valueAndGradients(f as (...tensors: tf.Tensor[]) => tf.Tensor, wanted, inputs.get('dy'));
  },
};

const correlateCase: CaseKind = {
  run(inputs) {
    const wanted = { templates: inputs.get('templates'), windows: inputs.get('windows') };
    const f = (templates: tf.Tensor, windows: tf.Tensor) => correlate(templates as tf.Tensor4D, windows as tf.Tensor4D);
    return valueAndGradients(f as (...tensors: tf.Tensor[]) => tf.Tensor, wanted, inputs.get('dy'));
  },
};

/** A kind whose value is a loss, which the files hold as [1]. */
function lossAndGradients(f: (...tensors: tf.Tensor[]) => tf.Tensor, wanted: Record<string, tf.Tensor>): Outputs {
  const { y: loss, ...gradients } = valueAndGradients(f, wanted, tf.scalar(1));
  return { loss: tf.reshape(loss!, [1]), ...gradients };
}

const localisationCase: CaseKind = {
  run(inputs) {
    const where = { positive: inputs.get<tf.Tensor3D>('positive'), ignored: inputs.get<tf.Tensor3D>('ignored') };
    const f = (maps: tf.Tensor, logScale: tf.Tensor) =>
      localisationLoss(maps as tf.Tensor4D, logScale as tf.Tensor1D, where);
    const wanted = { maps: inputs.get('maps'), logScale: inputs.get('logScale') };
    return lossAndGradients(f as (...tensors: tf.Tensor[]) => tf.Tensor, wanted);
  },
};

const gammaCase: CaseKind = {
  run: (inputs) =>
    lossAndGradients((r) => gammaLikelihood(r!, inputs.get('intensity')), {
      logReflectivity: inputs.get('logReflectivity'),
    }),
};

const denseCase: CaseKind = {
  run(inputs, settings) {
    const wanted = { x: inputs.get('x'), kernel: inputs.get('kernel'), bias: inputs.get('bias') };
    const f = (x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) =>
      dense(x as tf.Tensor2D, kernel as tf.Tensor2D, bias as tf.Tensor1D, activation(settings));
    return valueAndGradients(f as (...tensors: tf.Tensor[]) => tf.Tensor, wanted, inputs.get('dy'));
  },
};

const reparameterizeCase: CaseKind = {
  run(inputs) {
    const eps = inputs.get<tf.Tensor2D>('eps');
    const [dz, dkl] = [inputs.get('dz'), inputs.get('dkl')];
    const both = (mu: tf.Tensor, logvar: tf.Tensor) =>
      reparameterize(mu as tf.Tensor2D, logvar as tf.Tensor2D, { eps });
    const f = (mu: tf.Tensor, logvar: tf.Tensor) => {
      const { z, kl } = both(mu, logvar);
      return tf.add(tf.sum(tf.mul(z, dz)), tf.sum(tf.mul(kl, dkl))) as tf.Scalar;
    };
    const [mu, logvar] = [inputs.get('mu'), inputs.get('logvar')];
    const [dmu, dlogvar] = tf.grads(f as (...tensors: tf.Tensor[]) => tf.Tensor)([mu, logvar]);
    return { ...both(mu, logvar), dmu: dmu!, dlogvar: dlogvar! };
  },
};

const batchNormCase: CaseKind = {
  run(inputs, settings) {
    const options = { epsilon: number(settings, 'epsilon', 1e-5), ...activation(settings) };
    const [x, gamma, beta] = [
      inputs.get<tf.Tensor4D>('x'),
      inputs.get<tf.Tensor1D>('gamma'),
      inputs.get<tf.Tensor1D>('beta'),
    ];
    const f = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) =>
      batchNorm(a as tf.Tensor4D, b as tf.Tensor1D, c as tf.Tensor1D, options).y;
    const gradients = valueAndGradients(f as (...t: tf.Tensor[]) => tf.Tensor, { x, gamma, beta }, inputs.get('dy'));
    const { mean, variance } = batchNorm(x, gamma, beta, options);
    return { ...gradients, mean, variance };
  },
};

/** Gradients g0, g1, … in turn; the parameter after step k is `p{k}`. */
const adamCase: CaseKind = {
  run(inputs, settings) {
    const hyperparameters = {
      learningRate: number(settings, 'learningRate', 1e-3),
      beta1: number(settings, 'beta1', 0.9),
      beta2: number(settings, 'beta2', 0.999),
      epsilon: number(settings, 'epsilon', 1e-8),
    };
    const start = inputs.get('p');
    let state = { parameters: [start], first: [tf.zerosLike(start)], second: [tf.zerosLike(start)] };
    const outputs: Outputs = {};
    for (let step = 1; inputs.has(`g${step - 1}`); step++) {
      state = adam({ ...state, gradients: [inputs.get(`g${step - 1}`)], step, ...hyperparameters });
      outputs[`p${step}`] = state.parameters[0]!;
    }
    return outputs;
  },
};

export const CASES: Record<string, CaseKind> = {
  adam: adamCase,
  'avg-pool': unary((x, settings) => avgPool(x, pooling(settings))),
  'batch-norm': batchNormCase,
  'batch-localisation': localisationCase,
  conv,
  'conv-dilated': conv,
  correlate: correlateCase,
  dense: denseCase,
  'gamma-likelihood': gammaCase,
  matcher: { isModel: true, run: verifyMatcher },
  'max-pool': unary((x, settings) => maxPool(x, pooling(settings))),
  'minibatch-stddev': unary((x, settings) =>
    minibatchStddev(x, { groupSize: number(settings, 'groupSize', 4), epsilon: number(settings, 'epsilon', 1e-8) }),
  ),
  'pixel-norm': unary((x, settings) => pixelNorm(x, { epsilon: number(settings, 'epsilon', 1e-8) })),
  reparameterize: reparameterizeCase,
  'unit-cell': unary((x, settings) => unitCells(x, { epsilon: number(settings, 'epsilon', 1e-6) })),
  'upsample-bilinear': unary((x, { size }) => upsampleBilinear(x, size as [number, number])),
  'upsample-nearest': unary((x, settings) => upsampleNearest(x, number(settings, 'scale', 2))),
  'wgan-gp': { isModel: true, run: verifyWganGp },
};
