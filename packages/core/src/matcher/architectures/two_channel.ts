/**
 * `two-channel`: both patches stacked as the bands of one image, so that the first convolution already compares them.
 * Zagoruyko and Komodakis, Learning to Compare Image Patches via Convolutional Neural Networks (CVPR 2015), §3.1.
 */
import { type Architecture, configOf } from '../architecture.ts';
import { STREAM_SIDE, stream } from './stream.ts';

const HIDDEN = 256;
const DROPOUT = 0.3;

export const twoChannel: Architecture = {
  name: 'two-channel',
  config: configOf('two-channel', STREAM_SIDE),
  logits(layers, sar, optical, _config, pairing) {
    const [s, o] = pairing ? [layers.rows(sar, pairing.sar), layers.rows(optical, pairing.optical)] : [sar, optical];
    const x = stream(layers, 'pair', layers.concat([s, o]), true); // [N, S/8, S/8, 128]
    const pooled = layers.concat([layers.mean(x), layers.max(x)]); // [N, 256]
    const hidden = layers.dense('head.dense1', pooled, { channels: HIDDEN, activation: 'relu' });
    const kept = layers.dropout(hidden, DROPOUT);
    return layers.dense('head.dense2', kept, { channels: 2, activation: 'linear', isOutput: true });
  },
  initialisation: 'he-normal',
  recipe: {},
};
