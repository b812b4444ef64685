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

/** Runs `f` twice to warm up, then `repeats` times. `f` must wait for its own result. */
export function timeOf(f: () => void, repeats: number): Timing {
  return timeInTurn({ f }, repeats).f;
}

/** The same for several, in turn: where the machine slows down for a while, it does so for all of them. */
export function timeInTurn<Name extends string>(
  functions: Record<Name, () => void>,
  repeats: number,
): Record<Name, Timing> {
  const named = Object.entries(functions) as [Name, () => void][];
  const times = Object.fromEntries(named.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let i = 0; i < WARM_UPS + repeats; i++) {
    for (const [name, f] of named) {
      const start = performance.now();
      f();
      times[name].push(performance.now() - start);
    }
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
export function transfersOf(backend: unknown, f: () => void): { up: number; down: number } {
  const { transfers } = backend as { transfers?: { up: number; down: number } };
  const before = { up: 0, down: 0, ...transfers };
  f();
  const after = { ...before, ...transfers };
  return { up: after.up - before.up, down: after.down - before.down };
}
