/** `paper-bn`: the pseudo-siamese network with batch normalisation; it trains where `paper` collapses to a constant output. */
import { type Architecture, configOf } from '../architecture.ts';
import { pseudoSiamese } from './pseudo_siamese.ts';
import { STREAM_SIDE } from './stream.ts';

export const paperBn: Architecture = {
  name: 'paper-bn',
  config: configOf('paper-bn', STREAM_SIDE),
  ...pseudoSiamese(true),
  initialisation: 'he-normal',
  recipe: {},
};
