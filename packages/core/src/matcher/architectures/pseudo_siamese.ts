/**
 * The pseudo-siamese network of Hughes, Schmitt and Zhu: one stream for each sensor without shared weights, fused late.
 * Identifying Corresponding Patches in SAR and Optical Images With a Pseudo-Siamese CNN (GRSL 15(5), 2018).
 *
 * With batch normalisation it stands between a convolution and its ReLU; a bias there would be taken away by the mean, so
 * the convolutions have none.
 */
import type { Modality } from '../../prepare/normalisation.ts';
import type { Architecture } from '../architecture.ts';
import type { Half, Layers } from '../layers.ts';
import { stream } from './stream.ts';

const HIDDEN = 512;
const DROPOUT = 0.5;
const HALF: Record<Modality, Half> = { sar: 'first', optical: 'second' };

export function pseudoSiamese(batchNorm: boolean): Required<Pick<Architecture, 'logits' | 'towers'>> {
  const fusion1 = { channels: 256, strides: 2, batchNorm };
  const fusion2 = { channels: 128, strides: 2, batchNorm };

  /** [n, S/8, S/8, 128] → [n, ⌈S/16⌉, ⌈S/16⌉, 256] */
  const half = <T>(layers: Layers<T>, sensor: Modality, features: T): T =>
    layers.halfConv('fusion.conv1', features, HALF[sensor], fusion1);

  const join = <T>(layers: Layers<T>, sar: T, optical: T): T =>
    decide(layers, layers.sumHalves('fusion.conv1', sar, optical, fusion1));

  /** [N, ⌈S/16⌉, ⌈S/16⌉, 256] → logits [N, 2] */
  function decide<T>(layers: Layers<T>, fused: T): T {
    const flat = layers.flatten(layers.maxPool(layers.conv('fusion.conv2', fused, fusion2))); // [N, ⌊⌈S/32⌉/2⌋² · 128]
    const hidden = layers.dense('head.dense1', flat, { channels: HIDDEN, activation: 'relu' });
    return layers.dense('head.dense2', layers.dropout(hidden, DROPOUT), LOGITS);
  }

  return {
    logits(layers, sar, optical, _config, pairing) {
      const [s, o] = [stream(layers, 'sar', sar, batchNorm), stream(layers, 'optical', optical, batchNorm)];
      if (!pairing) return decide(layers, layers.conv('fusion.conv1', layers.concat([s, o]), fusion1));
      const [sarHalf, opticalHalf] = [half(layers, 'sar', s), half(layers, 'optical', o)];
      return join(layers, layers.rows(sarHalf, pairing.sar), layers.rows(opticalHalf, pairing.optical));
    },
    towers: {
      tower: (layers, sensor, patches) => half(layers, sensor, stream(layers, sensor, patches, batchNorm)),
      join,
      descriptor: (layers, sensor, patches) => layers.mean(stream(layers, sensor, patches, batchNorm)), // [n, 128], each ≥ 0
    },
  };
}

const LOGITS = { channels: 2, activation: 'linear', isOutput: true } as const;
