/** Timing for benchmarks: median and spread over repeats, and the machine that a result belongs to. */
import { cpus } from 'node:os';
import type { SelectedBackend } from '@doppel/core/backends';
import * as tf from '@tensorflow/tfjs-core';
import { COMPUTE_FLAGS } from './context.ts';
import { text, whole } from './flags.ts';

export interface Timing {
  /** Milliseconds over the repeats. */
  median: number;
  fastest: number;
  slowest: number;
  repeats: number;
}

/** Function that returns, or whose promise resolves, once its result is computed. */
type Timed = () => unknown;

/** Runs `f` twice to warm up, then `repeats` times. */
export async function timeOf(f: Timed, repeats: number): Promise<Timing> {
  return (await timeInTurn({ f }, repeats)).f;
}

/** Milliseconds of one run; without a promise no turn of the event loop is counted. */
async function runOnce(f: Timed): Promise<number> {
  const start = performance.now();
  const pending = f();
  if (pending instanceof Promise) await pending;
  return performance.now() - start;
}

/** Times several functions in turn, so that a machine that slows down for a while slows all of them. */
export async function timeInTurn<Name extends string>(
  functions: Record<Name, Timed>,
  repeats: number,
): Promise<Record<Name, Timing>> {
  const named = Object.entries(functions) as [Name, Timed][];
  const times = Object.fromEntries(named.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let i = 0; i < WARM_UPS + repeats; i++) {
    for (const [name, f] of named) times[name].push(await runOnce(f));
  }
  const timings = named.map(([name]) => [name, summarise(times[name].slice(WARM_UPS))]);
  return Object.fromEntries(timings) as Record<Name, Timing>;
}

const WARM_UPS = 2;

function summarise(times: number[]): Timing {
  const sorted = times.sort((a, b) => a - b);
  return { median: sorted[sorted.length >> 1]!, fastest: sorted[0]!, slowest: sorted.at(-1)!, repeats: sorted.length };
}

/** The processor and the runtime, for a result's file. */
export function machine() {
  return { processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.versions.node };
}

/** Flags that every benchmark takes. */
export const BENCH_FLAGS = {
  ...COMPUTE_FLAGS,
  threads: whole(1, 'Threads of the backend native; default: all cores').optional(),
  isa: text('name', 'Instruction set of native: avx512, avx2, neon or generic').optional(),
  repeats: whole(1, 'Timed repeats; the median counts').default(7),
};

/** Names of the kernels that fell back to JavaScript; none on a backend that is JavaScript or has every kernel. */
function fallbacksOf(backend: unknown): string[] {
  const { fallbacks } = backend as { fallbacks?: Map<string, number> };
  return [...(fallbacks?.keys() ?? [])].sort();
}

/** Bytes that `f` copies to the device and back; 0 for backends without device memory. */
export async function transfersOf(backend: unknown, f: Timed): Promise<{ up: number; down: number }> {
  const { transfers } = backend as { transfers?: { up: number; down: number } };
  const before = { up: 0, down: 0, ...transfers };
  await f();
  const after = { ...before, ...transfers };
  return { up: after.up - before.up, down: after.down - before.down };
}

/** Backend of a benchmark, for its result. */
export function backendReport({ name, device }: SelectedBackend) {
  const { poolBytes } = tf.memory() as tf.MemoryInfo & { poolBytes?: number };
  const fallbacks = fallbacksOf(tf.backend());
  return { backend: name, device, poolBytes, rss: process.memoryUsage.rss(), fallbacks, machine: machine() };
}

/** A rate with the median and the spread of its times. */
export const rateText = (what: string, rate: number, unit: string, { median, fastest, slowest }: Timing): string =>
  `${what}  ${rate.toFixed(1)} ${unit}/s  (${median.toFixed(1)} ms, ${fastest.toFixed(1)} to ${slowest.toFixed(1)})`;
