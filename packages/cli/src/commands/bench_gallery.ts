/**
 * `doppel bench gallery`: searches per second among many tiles, one patch at a time and several together, beside a plain loop
 * and usearch. All get the same random cells; what they find is compared.
 */

import { Rng } from '@doppel/core/base';
import { CELL, nearestTiles, type Ranked, TileMaps, TopK } from '@doppel/core/gallery';
import { z } from 'zod';
import { command } from '../command.ts';
import { whole } from '../flags.ts';
import { BENCH_FLAGS, backendReport, timeOf } from '../timing.ts';
import { usearchPeer } from '../usearch_peer.ts';

/** Numbers of a cell, and places to find, as of the matcher in the box. */
const [CHANNELS, K] = [16, 10];
/** Bytes of a vector of a tile, for an index that needs one. */
const vectorBytes = (side: number) => (side / CELL) ** 2 * CHANNELS * Float32Array.BYTES_PER_ELEMENT;

type Map = ConstructorParameters<typeof TileMaps>[0][number];

export default command({
  name: 'doppel bench gallery',
  flags: {
    tiles: z
      .array(z.int().min(1))
      .default([10_000, 100_000, 1_000_000])
      .meta({ hint: 'n,…', expected: 'whole numbers', description: 'Tiles of the gallery, one or more numbers' }),
    patches: whole(2, 'Patches that are searched together').default(16),
    peer: whole(0, 'Largest number of tiles that usearch gets, which needs 4 KB for each').default(10_000),
    ...BENCH_FLAGS,
  },
  examples: ['doppel bench gallery', 'doppel bench gallery --tiles 10000,100000 --peer 100000 --repeats 3 --json'],
  async run({ args, context }) {
    const selected = await context.selectBackend(args);
    const rows: Row[] = [];
    for (const count of args.tiles) {
      context.log(`${count} tiles …`);
      rows.push(await measure(count, args));
    }
    const report = backendReport(selected);
    return {
      json: { benchmark: 'gallery', k: K, side: SIDE, ...report, rows },
      text: [
        `searches a second for the ${K} best tiles of ${SIDE} × ${SIDE} pixels, on ${report.backend} (${report.device})`,
        ...rows.map(textOf),
      ].join('\n'),
    };
  },
});

/** Patch side in pixels. */
const SIDE = 64;

interface Row {
  tiles: number;
  /** Searches a second: one patch at a time, and several together. */
  one: number;
  together: number;
  loop: number;
  usearch: { graph: number; exact: number; built: number; recall: number } | { skipped: string };
  /** Bytes of the cells, and of a vector for each tile. */
  bytes: { cells: number; vectors: number };
}

async function measure(count: number, { patches, peer, repeats }: { patches: number; peer: number; repeats: number }) {
  const n = SIDE / CELL;
  const rows = Math.max(1, Math.round(Math.sqrt(count)));
  const map = randomMap(1, Math.ceil(count / rows) + n - 1, rows + n - 1);
  const tiles = new TileMaps([map], SIDE);
  const queries = Array.from({ length: patches }, (_, i) => randomMap(2 + i, n, n));
  const options = { k: K };
  const one = await timeOf(() => nearestTiles(tiles, queries.slice(0, 1), options), repeats);
  const together = await timeOf(() => nearestTiles(tiles, queries, options), repeats);
  const begin = performance.now();
  const looped = plainSearch(map, queries[0]!);
  const loop = (performance.now() - begin) / 1000;
  const [found] = await nearestTiles(tiles, queries.slice(0, 1), options);
  requireSame(looped, found!);
  const row: Row = {
    ...{ tiles: tiles.count, one: 1000 / one.median, together: (1000 * patches) / together.median, loop: 1 / loop },
    usearch:
      tiles.count > peer
        ? { skipped: `more than --peer ${peer}` }
        : await usearchPeer(
            () => vectorsOf(map, n),
            queries.map(({ data }) => data),
            found!.map(({ index }) => index),
          ),
    bytes: { cells: map.data.byteLength, vectors: tiles.count * vectorBytes(SIDE) },
  };
  return row;
}

function randomMap(seed: number, width: number, height: number): Map {
  const rng = Rng.derive(seed, 'bench of galleries');
  const data = Float32Array.from({ length: width * height * CHANNELS }, () => rng.float() - 0.5);
  return { data, width, height, channels: CHANNELS };
}

/** The best tiles by a loop over all, as one would write it first. */
function plainSearch(map: Map, patch: Map): Ranked[] {
  const [columns, rows] = [map.width - patch.width + 1, map.height - patch.height + 1];
  const scores = new Float32Array(columns * rows);
  const line = patch.width * patch.channels;
  for (let tile = 0; tile < scores.length; tile++) {
    const [row, column] = [Math.floor(tile / columns), tile % columns];
    let [dot, energy] = [0, 0];
    for (let y = 0; y < patch.height; y++) {
      const [from, own] = [((row + y) * map.width + column) * map.channels, y * line];
      for (let i = 0; i < line; i++) {
        const value = map.data[from + i]!;
        dot += value * patch.data[own + i]!;
        energy += value * value;
      }
    }
    scores[tile] = dot / Math.sqrt(energy);
  }
  const top = new TopK(K);
  top.add(scores, 0);
  return top.list();
}

/** Vector of each tile, row by row, as an index needs them. */
function vectorsOf(map: Map, n: number): Float32Array[] {
  const [columns, rows] = [map.width - n + 1, map.height - n + 1];
  const line = n * map.channels;
  return Array.from({ length: columns * rows }, (_, tile) => {
    const [row, column] = [Math.floor(tile / columns), tile % columns];
    const vector = new Float32Array(n * line);
    for (let y = 0; y < n; y++) {
      const from = ((row + y) * map.width + column) * map.channels;
      vector.set(map.data.subarray(from, from + line), y * line);
    }
    return vector;
  });
}

function requireSame(loop: readonly Ranked[], ours: readonly Ranked[]): void {
  const same = loop.every(({ index }, i) => index === ours[i]!.index);
  if (!same) throw new Error('the search finds other tiles than a plain loop');
}

const rate = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function textOf({ tiles, one, together, loop, usearch, bytes }: Row): string {
  const megabytes = (count: number) => `${(count / 2 ** 20).toFixed(0)} MB`;
  const peer =
    'skipped' in usearch
      ? `usearch skipped: ${usearch.skipped}`
      : `usearch ${rate(usearch.graph)} (recall ${(100 * usearch.recall).toFixed(0)} %, built in ${usearch.built.toFixed(1)} s), exact ${rate(usearch.exact)}`;
  return `${String(tiles).padStart(8)} tiles  ${rate(one)} alone, ${rate(together)} together; plain loop ${rate(loop)}; ${peer}; cells ${megabytes(bytes.cells)}, vectors would be ${megabytes(bytes.vectors)}`;
}
