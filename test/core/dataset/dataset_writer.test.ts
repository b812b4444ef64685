import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../packages/core/src/dataset/dataset.ts';
import { DatasetWriter } from '../../../packages/core/src/dataset/dataset_writer.ts';
import { FormatError } from '../../../packages/core/src/errors.ts';
import type { Raster } from '../../../packages/core/src/raster/raster.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';

const patch = (value: number): Raster => ({
  ...{ width: 8, height: 8, bands: 1, unit: 'digital number' },
  data: Float32Array.from({ length: 64 }, (_, i) => value + (i % 5)),
});

async function build(names: readonly string[], crs?: string) {
  const store = new MemoryStore();
  const built = await DatasetWriter.build(store, 'd', async (writer) => {
    for (const [i, name] of names.entries()) {
      writer.addRecord({
        ...{ id: `${i}`, group: name || 'none', label: 1, provenance: 'real' },
        sar: await writer.addPatch(`patches/${name}/0.sar`, patch(i)),
        optical: await writer.addPatch(`patches/${name}/0.optical`, patch(50 + i)),
        ...(crs !== undefined && { footprint: { crs, bounds: [0, 0, 1, 1] as const } }),
      });
    }
    const sensor = { unit: 'digital number', bands: 1 } as const;
    return { doppel: 'pairs', version: 1, side: 8, sar: sensor, optical: sensor, made: { by: 'test' } };
  });
  return { store, built };
}

describe('DatasetWriter', () => {
  it.each([
    ['A', './A'],
    ['A', 'a'],
    ['A', 'A/'],
    ['A//b', 'A/b'],
    ['A\\b', 'A/b'],
    ['é', 'e\u0301'],
    ['A ', 'A'],
  ])('tells patches of %j and %j apart', async (...names) => {
    const { store } = await build(names);
    const dataset = await openDataset(store, 'd');
    const paths = dataset.records.flatMap(({ sar, optical }) => [sar, optical]);
    expect(new Set(paths.map((path) => path.normalize('NFC').toLowerCase())).size).toBe(4);
    expect((await dataset.readSar(0)).data[0]).toBe(0);
    expect((await dataset.readSar(1)).data[0]).toBe(1);
  });

  it('keeps the digest of all images in the header', async () => {
    const [a, b] = [await build(['x', 'y']), await build(['y', 'x'])];
    expect(a.built.header.made).toMatchObject({ by: 'test', images: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(a.built.header.made?.images).toBe(b.built.header.made?.images);
  });

  it('refuses to write what could not be opened', async () => {
    await expect(build(['x'], 'EPSG:1')).rejects.toThrow(FormatError);
  });
});
