/** `paper`: the pseudo-siamese network as published, with a bias and a ReLU after each convolution, and its recipe. */
import { type Architecture, configOf } from '../architecture.ts';
import { pseudoSiamese } from './pseudo_siamese.ts';
import { STREAM_SIDE } from './stream.ts';

export const paper: Architecture = {
  name: 'paper',
  config: configOf('paper', STREAM_SIDE),
  ...pseudoSiamese(false),
  initialisation: 'glorot-uniform',
  recipe: { optimiser: { learningRate: 9e-4 }, l2: 1e-3, augmentation: { flips: false, turns: false } },
  adviceIfConstant: 'The preset `paper` is known for it; use --preset paper-bn.',
};
