/** Whether scenes look exchanged, by features that are made up. */
import { selectBackend } from '@doppel/core/backends';
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Sensor } from '../../../packages/core/src/dataset/scenes.ts';
import { FeatureSource } from '../../../packages/core/src/registration/feature_source.ts';
import type { FeatureKind } from '../../../packages/core/src/registration/features.ts';
import type { ReadWindow } from '../../../packages/core/src/registration/levels.ts';
import { compareRoles, exchangedEvidence, exchangedSources } from '../../../packages/core/src/registration/roles.ts';
import { backendLoaders } from '../../backends.ts';

const AREA = { width: 640, height: 640 };

/** Ground of blocks of 8 pixels that both scenes show; \`seed\` tells places apart. */
const ground =
  (seed: number): ReadWindow =>
  async ({ column, row, width, height }) => {
    const data = Float32Array.from({ length: width * height }, (_, pixel) => {
      const [x, y] = [column + (pixel % width), row + Math.floor(pixel / width)];
      return Rng.derive(seed, Math.floor(x / 8), Math.floor(y / 8)).float();
    });
    return { data, width, height, bands: 1, unit: 'digital number' };
  };

/** A matcher that knows its own sensor: what it is given is told by \`of\`, and through the wrong tower it sees noise. */
function kindFor(isRight: boolean): FeatureKind {
  const rng = Rng.derive(1, 'noise');
  return {
    ...{ name: 'dense', stride: 2, channels: 2, margin: 8 },
    async of(_: Sensor, { data, width, height }) {
      const cells = Float32Array.from({ length: (width * height) / 2 }, (_each, i) => {
        const [cell, channel] = [Math.floor(i / 2), i % 2];
        const [x, y] = [2 * (cell % (width / 2)), 2 * Math.floor(cell / (width / 2))];
        const angle = 2 * Math.PI * (isRight ? data[y * width + x]! : rng.float());
        return channel === 0 ? Math.cos(angle) : Math.sin(angle);
      });
      return { data: cells, width: width / 2, height: height / 2, channels: 2 };
    },
  };
}

const sourcesOf = (kind: FeatureKind, other: number) => ({
  ...exchangedSources(kind, ground(1), ground(other)),
  ...{ offset: [0, 0] as const, expected: [0, 0] as const },
});

describe('compareRoles', () => {
  beforeAll(async () => void (await selectBackend({ requested: 'wasm', loaders: await backendLoaders() })));

  it('finds the roles in which features agree', async () => {
    const [right, wrong] = [sourcesOf(kindFor(true), 1), sourcesOf(kindFor(false), 1)];
    const exchanged = (await compareRoles(wrong, right, AREA))!;
    expect(exchanged.exchanged).toBeGreaterThan(0.5);
    expect(exchangedEvidence(exchanged)).toMatch(
      /^the matcher finds a correlation of \d\.\d{3} with the two exchanged/,
    );
    expect(exchangedEvidence((await compareRoles(right, wrong, AREA))!)).toBeUndefined();
  });

  it('has no evidence where the scenes show different places', async () => {
    const [some, others] = [sourcesOf(kindFor(true), 2), sourcesOf(kindFor(true), 3)];
    expect(exchangedEvidence((await compareRoles(some, others, AREA))!)).toBeUndefined();
  });

  it('says nothing where no window is known', async () => {
    const nothing: ReadWindow = async ({ width, height }) => ({
      ...{ data: new Float32Array(width * height), width, height, bands: 1, unit: 'digital number' },
      noData: new Uint8Array(width * height).fill(1),
    });
    const kind = kindFor(true);
    const sources = {
      ...{ sar: new FeatureSource(kind, 'sar', nothing), optical: new FeatureSource(kind, 'optical', nothing) },
      ...{ offset: [0, 0] as const, expected: [0, 0] as const },
    };
    expect(await compareRoles(sources, sources, AREA)).toBeUndefined();
  });

  it('wants a clear difference', () => {
    expect(exchangedEvidence({ named: 0.1, exchanged: 0.14 })).toBeUndefined();
    expect(exchangedEvidence({ named: 0.001, exchanged: 0.02 })).toBeUndefined();
    expect(exchangedEvidence({ named: 0.04, exchanged: 0.07 })).toBe(
      'the matcher finds a correlation of 0.070 with the two exchanged, 0.040 as they are',
    );
  });
});
