/** Made negatives: what is written and read, what they are, what is refused. */

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../../../packages/core/src/backends/select_backend.ts';
import { FormatError, SplitError, UsageError } from '../../../../packages/core/src/errors.ts';
import { patchAt } from '../../../../packages/core/src/generator/made_patches.ts';
import { patchesFile, readTrainingNegatives, writeMade } from '../../../../packages/core/src/mining/made_file.ts';
import { readNegatives } from '../../../../packages/core/src/mining/negatives_file.ts';
import { type GeneratedTask, mineGenerated } from '../../../../packages/core/src/mining/strategies/generated.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { dataset, fakeGenerator, model, normalisation, patches, patchOf, SIDE } from '../fake_generator.ts';

beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
});

const task = (change: Partial<GeneratedTask> = {}): GeneratedTask => ({
  ...{ dataset, model, patches, generator: fakeGenerator(), seed: 1 },
  ...{ rule: 'sample', strength: 1, k: 1, match: 'none', reconstructions: false },
  ...change,
});

/** As the command writes and training reads it. */
async function writeAndRead(change: Partial<GeneratedTask> = {}) {
  const { header, negatives, patches: stack } = await mineGenerated(task(change));
  const store = new MemoryStore();
  const files = await writeMade(header, negatives, stack, dataset.records, 'out/hard.jsonl');
  for (const [name, content] of files) await store.write(`out/${name}`, content);
  return { store, set: await readTrainingNegatives(store, 'out/hard.jsonl', dataset) };
}

describe('generated negatives', () => {
  it('are one patch for each training pair, moved from its own and scored with its optical patch', async () => {
    const before = tf.memory().numTensors;
    const { negatives, patches: stack, report } = await mineGenerated(task());
    expect(tf.memory().numTensors).toBe(before);
    expect(negatives.map(({ optical }) => optical)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const { optical, patch, label, provenance, score, positiveScore, distance } of negatives) {
      expect([label, provenance]).toEqual([0, 'generated']);
      expect(positiveScore).toBeCloseTo(1 / (1 + Math.exp(-4)), 5);
      const made = patchAt(stack, patch);
      const difference = made.reduce((sum, value, i) => sum + (value - patchOf(optical)[i]!) ** 2, 0) / made.length;
      expect(score).toBeCloseTo(1 / (1 + Math.exp(-(4 - 4 * difference))), 5);
      expect(distance).toBeGreaterThan(0);
      expect(made.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 4); // prepared as real ones are
    }
    expect(report).toMatchObject({ negatives: 6, anchors: 6, reconstructions: 0, warnings: [] });
    expect(report.quantiles.negatives!.mean).toBeLessThan(report.quantiles.positives!.mean);
  });

  it('are harder the weaker they are moved, and the same for the same seed', async () => {
    const mean = async (change: Partial<GeneratedTask>) =>
      (await mineGenerated(task(change))).report.quantiles.negatives!.mean;
    expect(await mean({ strength: 0.5 })).toBeGreaterThan(await mean({ strength: 2 }));
    const [a, b, c] = [
      await mineGenerated(task()),
      await mineGenerated(task()),
      await mineGenerated(task({ seed: 2 })),
    ];
    expect(a.patches).toEqual(b.patches);
    expect(a.patches).not.toEqual(c.patches);
  });

  it('have the histogram of their source where it is matched', async () => {
    const { negatives, patches: stack } = await mineGenerated(task({ match: 'histogram' }));
    for (const { optical, patch } of negatives) {
      expect(patchAt(stack, patch).slice().sort()).toEqual(patchOf(optical).sort());
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
    await expect(readNegatives(store, 'out/hard.jsonl', dataset)).rejects.toThrow(/made by a generator.*doppel train/);
    const moved = { ...dataset, indicesOf: () => [4, 5, 6] };
    await expect(readTrainingNegatives(store, 'out/hard.jsonl', moved)).rejects.toThrow(/"r0", which is not in it/);
  });

  it('are refused where their patches are others, or their data', async () => {
    const { store } = await writeAndRead();
    const { store: other } = await writeAndRead({ seed: 5 });
    const file = patchesFile('out/hard.jsonl');
    expect(file).toBe('out/hard.patches.safetensors');
    await store.write(file, await other.read(file));
    await expect(readTrainingNegatives(store, 'out/hard.jsonl', dataset)).rejects.toThrow(FormatError);
    await expect(readTrainingNegatives(store, 'out/hard.jsonl', dataset)).rejects.toThrow(/hard.patches.*fingerprint/);
    const data = { ...dataset, fingerprint: 'others' };
    await expect(readTrainingNegatives(other, 'out/hard.jsonl', data)).rejects.toThrow(/mined in other data/);
  });
});

describe('a generator', () => {
  it('of another normalisation is refused, with what differs', async () => {
    const sar = { ...normalisation.sar, clip: { low: 0, high: 7 } };
    const generator = fakeGenerator({ normalisation: { ...normalisation, sar } });
    const mining = mineGenerated(task({ generator }));
    await expect(mining).rejects.toThrow(UsageError);
    await expect(mining).rejects.toThrow(/expected.*sar.clip.*"high":9.*found sar.clip.*"high":7.*Train the generator/);
  });

  it('that learned from what is tested on is refused; one of other data is told of', async () => {
    const trainedOn = { dataFingerprint: dataset.fingerprint, places: { train: ['p0', 'p4'], validation: [] } };
    await expect(mineGenerated(task({ generator: fakeGenerator({ trainedOn }) }))).rejects.toThrow(
      /never saw the validation split.*p4/,
    );
    const other = fakeGenerator({ trainedOn: { dataFingerprint: 'another' } });
    expect((await mineGenerated(task({ generator: other }))).report.warnings).toEqual([
      expect.stringMatching(/another data set/),
    ]);
  });

  it.each([
    [{ strength: 0 }, /--strength above 0/],
    [{ rule: 'sigma', k: 2 }, /--k 1 with --rule sigma/],
    [{ generator: fakeGenerator({ side: 16 }) }, /patches of side 8.*generator of side 16/],
  ] as [Partial<GeneratedTask>, RegExp][])('refuses what cannot be meant: %o', async (change, message) => {
    await expect(mineGenerated(task(change))).rejects.toThrow(message);
  });
});
