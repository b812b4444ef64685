/** Made negatives: what is written and read, what they are, what is refused. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { FormatError, SplitError, UsageError } from '../../../../packages/core/src/errors.ts';
import { patchAt } from '../../../../packages/core/src/generator/patch_stack.ts';
import { isMade } from '../../../../packages/core/src/mining/negatives.ts';
import { patchesFile, readNegatives, writeNegatives } from '../../../../packages/core/src/mining/negatives_file.ts';
import { type GeneratedSettings, generated } from '../../../../packages/core/src/mining/strategies/generated.ts';
import type { Bench } from '../../../../packages/core/src/mining/strategy.ts';
import { MemoryStore, readText } from '../../../../packages/core/src/store.ts';
import { dataset, fakeBench, fakeGenerator, normalisation, patchOf, SIDE } from '../fake_generator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const { settings: schema, find } = generated;
const mineGenerated = (settings: Partial<GeneratedSettings> = {}, change: Partial<Bench> = {}) =>
  find(fakeBench(change), schema.parse({ rule: 'sample', ...settings }), {});

/** As the command writes and training reads it. */
async function writeAndRead(settings: Partial<GeneratedSettings> = {}, change: Partial<Bench> = {}) {
  const found = await mineGenerated(settings, change);
  const store = new MemoryStore();
  const files = await writeNegatives(found, dataset.records, 'out/hard.jsonl');
  for (const [name, content] of files) await store.write(`out/${name}`, content);
  return { store, set: await readNegatives(store, 'out/hard.jsonl', dataset) };
}

describe('generated negatives', () => {
  it('are one patch for each training pair, moved from its own and scored with its optical patch', async () => {
    const before = tf.memory().numTensors;
    const { negatives, patches: stack, report } = await mineGenerated();
    expect(tf.memory().numTensors).toBe(before);
    expect(negatives.map(({ optical }) => optical)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { optical, patch, label, provenance, score, positiveScore, distance } of negatives.filter(isMade)) {
      expect([label, provenance]).toEqual([0, 'generated']);
      expect(positiveScore).toBeCloseTo(1 / (1 + Math.exp(-4)), 5);
      const made = patchAt(stack!, patch);
      const difference = made.reduce((sum, value, i) => sum + (value - patchOf(optical)[i]!) ** 2, 0) / made.length;
      expect(score).toBeCloseTo(1 / (1 + Math.exp(-(4 - 4 * difference))), 5);
      expect(distance).toBeGreaterThan(0);
      expect(made.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 4); // prepared as real ones are
    }
    expect(report).toMatchObject({ negatives: 6, anchors: 6, reconstructions: 0, warnings: [] });
    expect(report.quantiles.negatives!.mean).toBeLessThan(report.quantiles.positives!.mean);
  });

  it('are harder the weaker they are moved, and the same for the same seed', async () => {
    const mean = async (settings: Partial<GeneratedSettings>) =>
      (await mineGenerated(settings)).report.quantiles.negatives!.mean;
    expect(await mean({ strength: 0.5 })).toBeGreaterThan(await mean({ strength: 2 }));
    const [a, b, c] = [await mineGenerated(), await mineGenerated(), await mineGenerated({}, { seed: 2 })];
    expect(a.patches).toEqual(b.patches);
    expect(a.patches).not.toEqual(c.patches);
  });

  it('have the values of their source where its speckle is matched', async () => {
    const { negatives, patches: stack } = await mineGenerated({ match: 'speckle' });
    for (const { optical, patch } of negatives.filter(isMade)) {
      expect(patchAt(stack!, patch).slice().sort()).toEqual(patchOf(optical).sort());
    }
  });

  it('come back from their files, with reconstructions apart', async () => {
    const { set } = await writeAndRead({ k: 2, reconstructions: true });
    expect(set.mined).toEqual([]);
    expect(set.generated!.negatives).toHaveLength(12);
    expect(set.generated!.reconstructions.map(({ optical }) => optical)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(set.generated!.normalisation).toEqual({ side: SIDE, sar: normalisation.sar });
    const { optical, patch } = set.generated!.reconstructions[3]!;
    const made = patchAt(set.generated!.patches, patch);
    made.forEach((value, i) => {
      expect(value).toBeCloseTo(patchOf(optical)[i]!, 5); // the fake generator reconstructs without loss
    });
  });

  it('are kept out of everything but training', async () => {
    const { store } = await writeAndRead();
    await expect(readNegatives(store, 'out/hard.jsonl', dataset, { split: 'test' })).rejects.toThrow(SplitError);
    await expect(readNegatives(store, 'out/hard.jsonl', dataset, { split: 'test' })).rejects.toThrow(/training only/);
    const moved = { ...dataset, indicesOf: () => [4, 5, 6] };
    await expect(readNegatives(store, 'out/hard.jsonl', moved)).rejects.toThrow(/"r0", which is not in it/);
  });

  it('are refused where their patches are others, or their data', async () => {
    const { store } = await writeAndRead();
    const { store: other } = await writeAndRead({}, { seed: 5 });
    const file = patchesFile('out/hard.jsonl');
    expect(file).toBe('out/hard.patches.safetensors');
    await store.write(file, await other.read(file));
    await expect(readNegatives(store, 'out/hard.jsonl', dataset)).rejects.toThrow(FormatError);
    await expect(readNegatives(store, 'out/hard.jsonl', dataset)).rejects.toThrow(/hard.patches.*fingerprint/);
    const data = { ...dataset, fingerprint: 'others' };
    await expect(readNegatives(other, 'out/hard.jsonl', data)).rejects.toThrow(/mined in other data/);
  });
});

describe('a generator', () => {
  it('of another normalisation is refused, with what differs', async () => {
    const sar = { ...normalisation.sar, clip: { low: 0, high: 7 } };
    const generator = fakeGenerator({ normalisation: { ...normalisation, sar } });
    const mining = mineGenerated({}, { generator });
    await expect(mining).rejects.toThrow(UsageError);
    await expect(mining).rejects.toThrow(/expected.*sar.clip.*"high":9.*found sar.clip.*"high":7.*Train the generator/);
  });

  it('that learned from what is tested on is refused; one of other data is told of', async () => {
    const trainedOn = { dataFingerprint: dataset.fingerprint, places: { train: ['p0', 'p4'], validation: [] } };
    await expect(mineGenerated({}, { generator: fakeGenerator({ trainedOn }) })).rejects.toThrow(
      /never saw the validation split.*p4/,
    );
    const other = fakeGenerator({ trainedOn: { dataFingerprint: 'another' } });
    expect((await mineGenerated({}, { generator: other })).report.warnings).toEqual([
      expect.stringMatching(/another data set/),
    ]);
  });

  it('of another side is refused, and so is none', async () => {
    const generator = fakeGenerator({ side: 16 });
    await expect(mineGenerated({}, { generator })).rejects.toThrow(/patches of side 8.*generator of side 16/);
    await expect(mineGenerated({}, { generator: undefined })).rejects.toThrow(/--generator.*none/);
  });
});

describe('settings', () => {
  it.each([
    [{ strength: 0 }, 'strength'],
    [{ rule: 'sigma', k: 2 }, 'k'],
    [{ match: 'histogram' }, 'match'],
    [{ rule: 'swap' }, 'strength'],
    [{ rule: 'mix', strength: 1.5 }, 'strength'],
    [{ edit: 'ratio', reconstructions: true }, 'reconstructions'],
  ])('that cannot be meant are refused: %o', (given, path) => {
    expect(schema.safeParse(given).error?.issues.map((issue) => issue.path)).toEqual([[path]]);
  });

  it('say what became of a matched histogram', () => {
    expect(schema.safeParse({ match: 'histogram' }).error?.issues[0]?.message).toMatch(/removed: speckle/);
  });
});

describe('files of older versions', () => {
  it('are read, with a matched histogram and steps up the score at their default', async () => {
    const { store } = await writeAndRead();
    const old = (await readText(store, 'out/hard.jsonl'))
      .replace('"match":"none"', '"match":"histogram"')
      .replace('"strength":1}', '"strength":1,"ascent":{"steps":0,"size":0.25}}');
    await store.write('out/hard.jsonl', old);
    expect((await readNegatives(store, 'out/hard.jsonl', dataset)).generated?.negatives).toHaveLength(6);
  });
});
