/**
 * Reads mutated image files and counts what came of them: read, refused by a tagged error, or a fault of ours. A fault is any
 * other exception, a read that takes the processor more than a second, and a raster larger than its file can justify.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Rng } from '../../packages/core/src/base/random.ts';
import { isDoppelError } from '../../packages/core/src/errors.ts';
import { readMat5 } from '../../packages/core/src/raster/mat5.ts';
import { openRaster } from '../../packages/core/src/raster/open.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { mutated } from './mutate.ts';

export interface Seed {
  name: string;
  bytes: Uint8Array;
}

const KINDS = /\.(tif|png|jpg|mat)$/;
/** Larger files take longer and break in the same places. */
const MAX_SEED = 2 ** 20;

/** Image files in folders, sorted by path. */
export function seedsIn(folders: readonly string[]): Seed[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => KINDS.test(name) && statSync(join(folder, name)).size <= MAX_SEED)
      .sort()
      .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) })),
  );
}

export type Outcome = 'read' | 'refused' | 'fault';

export interface Trial {
  outcome: Outcome;
  /** Of a fault, what happened; of a refusal, the message. */
  what: string;
  /** Of the processor, for machines are shared. */
  milliseconds: number;
}

/** Samples of one window, so that a header that claims much is not read as a whole. */
const WINDOW = 64;
const MAX_MILLISECONDS = 1000;
/** Bytes that may be taken beyond those of the file and of its blocks. */
const MAX_MEMORY = 2 ** 28;

export async function tryReading(name: string, bytes: Uint8Array): Promise<Trial> {
  const before = process.memoryUsage().arrayBuffers;
  const started = process.cpuUsage();
  const result = await readAny(name, bytes).then(
    () => ({ outcome: 'read', what: '' }) as const,
    (error: unknown) => judged(error),
  );
  const { user, system } = process.cpuUsage(started);
  const milliseconds = (user + system) / 1000;
  const taken = process.memoryUsage().arrayBuffers - before;
  if (taken > MAX_MEMORY) return { outcome: 'fault', what: `${taken} bytes of memory`, milliseconds };
  if (milliseconds > MAX_MILLISECONDS)
    return { outcome: 'fault', what: `${milliseconds} ms of the processor`, milliseconds };
  return { ...result, milliseconds };
}

function judged(error: unknown): { outcome: Outcome; what: string } {
  const text = error instanceof Error ? `${error.stack}` : String(error);
  if (!isDoppelError(error)) return { outcome: 'fault', what: text };
  const hasParts = error.action !== '' && error.found !== undefined && error.message.includes('Cannot ');
  return hasParts ? { outcome: 'refused', what: error.message } : { outcome: 'fault', what: text };
}

async function readAny(name: string, bytes: Uint8Array): Promise<void> {
  if (name.endsWith('.mat')) {
    readMat5(bytes, name);
    return;
  }
  const store = new MemoryStore();
  store.files.set(name, bytes);
  const file = await openRaster(store, name);
  const [width, height] = [Math.min(file.width, WINDOW), Math.min(file.height, WINDOW)];
  await file.read(
    { column: file.width - width, row: file.height - height, width, height },
    file.imageBands.slice(0, 8),
  );
}

export interface Tally {
  read: number;
  refused: number;
  slowest: number;
  faults: { name: string; trial: number; what: string; bytes: Uint8Array }[];
}

/** @param seed of the random numbers: trial i of a seed is always the same. */
export async function fuzz(seeds: readonly Seed[], seed: number, count: number): Promise<Tally> {
  const tally: Tally = { read: 0, refused: 0, slowest: 0, faults: [] };
  for (let trial = 0; trial < count; trial++) {
    const rng = Rng.derive(seed, `fuzz ${trial}`);
    const { name, bytes } = seeds[trial % seeds.length]!;
    const odd = mutated(bytes, rng);
    const { outcome, what, milliseconds } = await tryReading(name, odd);
    tally.slowest = Math.max(tally.slowest, milliseconds);
    if (outcome === 'fault') tally.faults.push({ name, trial, what, bytes: odd });
    else tally[outcome]++;
  }
  return tally;
}
