/** Opens a generator's checkpoint to make patches: the encoder, and the averaged decoder. */
import * as tf from '@tensorflow/tfjs-core';
import { sha256 } from '../base/sha256.ts';
import { CheckpointError } from '../errors.ts';
import { GENERATORS } from './architectures.ts';
import { type GeneratorCheckpoint, readGenerator } from './checkpoint.ts';
import { cropPatches, padPatches } from './fit_patch.ts';
import { latentSize } from './generator.ts';
import { grainOf } from './grain/grain.ts';
import type { SpeckleStatistics } from './grain/speckle.ts';
import type { LatentGenerator } from './latent.ts';

export interface OpenGenerator extends LatentGenerator {
  readonly info: LatentGenerator['info'] & Pick<GeneratorCheckpoint, 'preset' | 'objective'>;
}

/**
 * Patches go in and come out at the side of the data set; the networks see them padded by reflection to a power of 2.
 *
 * @param file for messages. @throws CheckpointError where it is damaged, no generator's, or not grown to its full side
 * yet, or where its training is not at its end and it draws speckle.
 */
export async function openGenerator(bytes: Uint8Array, file: string): Promise<OpenGenerator> {
  const checkpoint = readGenerator(bytes, file);
  const { networks, preset, objective, growth, normalisation, trainedOn } = checkpoint;
  const architecture = GENERATORS.get(preset);
  const statistics = requireFinished(checkpoint, file);
  const parameters = new Map<string, tf.Tensor>();
  const [encoder, average] = (['encoder', 'average'] as const).map((wanted) => {
    const own = new Map<string, tf.Tensor>();
    for (const { name, shape, network } of architecture.parameters(networks)) {
      if (network === wanted) own.set(name, tf.tensor(checkpoint.tensors.get(name)!.data, shape));
    }
    for (const [name, tensor] of own) parameters.set(name, tensor);
    return own;
  }) as [Map<string, tf.Tensor>, Map<string, tf.Tensor>];
  const { side } = normalisation;
  const latent = latentSize({ preset, config: networks });
  const [cells, , numbers] = architecture.latentShape(networks);
  const options = { ...growth, wanted: 'input' } as const;
  return {
    info: {
      preset,
      side,
      latent,
      cells: numbers === undefined ? undefined : cells,
      objective,
      fingerprint: await sha256(bytes),
      normalisation,
      trainedOn,
    },
    encode: (x) => tf.tidy(() => architecture.encode(encoder, padPatches(x, networks.side), options)),
    decode: (z) => tf.tidy(() => cropPatches(architecture.decode(average, z, options), side)),
    ...(statistics && {
      grain: grainOf({
        decode: (z) => architecture.ground!(average, z, options),
        ...{ statistics, padded: networks.side, normalisation },
      }),
    }),
    dispose: () => tf.dispose([...parameters.values()]),
  };
}

/**
 * Statistics of speckle; undefined where decoded patches hold it.
 *
 * @throws CheckpointError where networks are not grown to their full side, or statistics were not measured yet.
 */
export function requireFinished(
  { preset, networks, growth, tensors }: Pick<GeneratorCheckpoint, 'preset' | 'networks' | 'growth' | 'tensors'>,
  file: string,
): SpeckleStatistics | undefined {
  const { sides, speckle } = GENERATORS.get(preset);
  const grown = sides(networks);
  if (growth.stage < grown.length - 1) {
    const side = (pixels: number) => `networks grown to side ${pixels}`;
    throw unfinished(file, side(networks.side), side(grown[growth.stage]!));
  }
  const statistics = speckle?.(tensors);
  if (!speckle || statistics) return statistics;
  throw unfinished(file, 'statistics of speckle, which are measured at the end of training', 'none');
}

const unfinished = (file: string, expected: string, found: string) =>
  new CheckpointError({
    ...{ action: 'make patches with the generator', file, expected, found },
    remedy: 'Resume its run: `doppel generator train --resume RUN`.',
  });
