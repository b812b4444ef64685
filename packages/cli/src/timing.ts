/** Timing for benchmarks: medians and spread over repeats, and what a result needs to be read later. */
import { cpus } from 'node:os';
import { numberFlag } from './command.ts';
import { COMPUTE_FLAGS, type Context, type Precision } from './context.ts';

export interface Timing {
  /** Of the repeats, in milliseconds. */
  median: number;
  fastest: number;
  slowest: number;
  repeats: number;
}

/** What is timed waits for its own result, or its promise does. */
type Timed = () => unknown;

/** Runs `f` twice to warm up, then `repeats` times. */
export async function timeOf(f: Timed, repeats: number): Promise<Timing> {
  return (await timeInTurn({ f }, repeats)).f;
}

/** A turn of the event loop is not counted for what has no promise. */
async function runOnce(f: Timed): Promise<number> {
  const start = performance.now();
  const pending = f();
  if (pending instanceof Promise) await pending;
  return performance.now() - start;
}

/** The same for several, in turn: where the machine slows down for a while, it does so for all of them. */
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
export const BENCH_ARGS = {
  ...COMPUTE_FLAGS,
  threads: { type: 'string', valueHint: 'n', description: 'Threads of the backend native; default: all cores' },
  isa: { type: 'string', valueHint: 'name', description: 'Instruction set of native: avx512, avx2, neon or generic' },
  repeats: { type: 'string', valueHint: '7', description: 'Timed repeats; the median counts' },
} as const;

interface BenchFlags {
  backend?: string | undefined;
  threads?: string | undefined;
  isa?: string | undefined;
  precision?: Precision | undefined;
}

/** Selects the backend; the addon reads threads and instruction set from the environment when it loads. */
export async function selectForBench(context: Context, { backend, threads, isa, precision }: BenchFlags) {
  const count = numberFlag('threads', threads, { min: 1, integer: true });
  if (count !== undefined) process.env.DOPPEL_NATIVE_THREADS = String(count);
  if (isa !== undefined) process.env.DOPPEL_NATIVE_ISA = isa;
  return context.selectBackend(backend, precision);
}

/** Names of the kernels that ran in JavaScript; none on backends that are JavaScript, or whole, themselves. */
export function fallbacksOf(backend: unknown): string[] {
  const { fallbacks } = backend as { fallbacks?: Map<string, number> };
  return [...(fallbacks?.keys() ?? [])].sort();
}

/** Bytes copied to the device and back that `f` makes, for backends whose tensors lie elsewhere; else none. */
export async function transfersOf(backend: unknown, f: Timed): Promise<{ up: number; down: number }> {
  const { transfers } = backend as { transfers?: { up: number; down: number } };
  const before = { up: 0, down: 0, ...transfers };
  await f();
  const after = { ...before, ...transfers };
  return { up: after.up - before.up, down: after.down - before.down };
}
