/**
 * Loads the addon: one .node file for Node and Deno. A load that fails reports every file tried and its
 * error; it never crashes.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '@doppel/core/errors';

/** A buffer of the device is a number, and null where there is none. */
export type Field = number | boolean | string | null | readonly (number | null)[];

/**
 * A device of the addon, opened for this thread; buffers are known by number. Every method throws an Error with the
 * cause.
 */
export interface Device {
  /** Display name: the instruction set of `native`, or the card. */
  readonly name: string;
  allocate(bytes: number): number;
  /** A buffer with these values; the array may be written to again. */
  hold(values: ArrayBufferView): number;
  release(buffer: number): void;
  /** Fills the array, and waits for it. */
  download(buffer: number, values: ArrayBufferView): void;
  /** Fills the array without blocking this thread. The buffer may be released at once. */
  read(buffer: number, values: ArrayBufferView): Promise<void>;
  /**
   * Runs an op. Its fields go by name: numbers, flags, choices, lists, and buffers by their number, null for one that is
   * absent. A field that is missing or of another type is a TypeError that names op and field.
   */
  run(op: string, fields: Readonly<Record<string, Field>>): void;
  /** The same with a function that gives the value of a field: faster than an object made for the call. */
  runBy(op: string, fieldOf: (name: string) => Field | undefined): void;
  /** Bytes; `graphs`: of those in use, what captured steps keep. */
  memory(): { buffers: number; inUse: number; peak: number; held: number; graphs: number };
  /** Gives idle blocks back to the system. */
  trim(): void;
  readonly hasGraphs: boolean;
  /**
   * Begins a capture: until `endCapture` or `abandonCapture`, `run` records.
   *
   * @param countersAStep counters by which the random numbers of a step advance.
   * @param reusesMemory that what is released meanwhile serves again: less memory, and fewer ops that run side by side.
   */
  beginCapture(countersAStep: number, reusesMemory: boolean): void;
  /** The graph; each replay of it ends with the buffers `from` copied to the buffers `to`. */
  endCapture(from: readonly number[], to: readonly number[]): number;
  abandonCapture(): void;
  /** Buffers of before the capture that were released meanwhile. */
  readonly captureStrays: number;
  /** Enqueues a graph. */
  replay(graph: number): void;
  releaseGraph(graph: number): void;
  /** Bytes by which the devices of several processes find each other; one process makes them for all. */
  meetingPoint(): Uint8Array;
  /** Waits until the devices of all processes have joined. */
  join(meetingPoint: Uint8Array, rank: number, size: number): void;
  /** Enqueues the sum of a buffer's first float32 values over the processes, in the order of ranks, in place. */
  allReduce(buffer: number, count: number): void;
}

/** NVIDIA cards, as far as this build of the addon can use them. */
export interface Cards {
  /** Backend of the cards; empty if the addon was built without CUDA. */
  backend: '' | 'cuda' | 'cuda-emulated';
  /** Reason why there are no cards; empty if there are some. */
  problem: string;
  cards: Card[];
}

export interface Card {
  name: string;
  /** Reason why it is not usable; empty where it is. */
  problem: string;
  /** The same in every process that sees the card, whatever its number there. */
  id: string;
}

/** Exports of the addon. */
export interface Addon {
  /** `native` and an instruction set, '' for the widest that runs here; or `cuda` and the number of a card, from 0. */
  Device: new (
    backend: 'native' | 'cuda',
    which: string | number,
  ) => Device;
  /** Instruction sets that are compiled in and run here, widest first. */
  isas(): string[];
  /** Names of each op's fields. */
  fields: Readonly<Record<string, readonly string[]>>;
  cards(): Cards;
  /** Number of threads that the kernels of `native` use; sets it where a count is given. */
  threads(count?: number): number;
}

export type LoadResult = { available: true; addon: Addon; file: string } | { available: false; reason: string };

const require = createRequire(import.meta.url);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Path of the addon that the package's build writes. */
export const BUILT_ADDON = here('../build/Release/doppel_native.node');

/** The addon whose device `cuda` is the emulator: a second build, for tests only. */
export const EMULATED_ADDON = here('../build/Release/doppel_emulated.node');

/** Loads the first candidate that works. Never throws. */
export function loadAddon(files: readonly string[] = [BUILT_ADDON]): LoadResult {
  const reasons: string[] = [];
  for (const file of files) {
    if (!existsSync(file)) {
      reasons.push(`${file} is missing${notBuilt()}`);
      continue;
    }
    try {
      const content = readFileSync(file);
      checkMark(content);
      checkWhole(content);
      const native = require(file) as NativeAddon;
      if (typeof native.fields !== 'function') throw new Error('it exports no ops');
      return { available: true, addon: withNamedFields(native), file };
    } catch (cause) {
      reasons.push(`${file} does not load: ${reasonOf(cause)}`);
    }
  }
  return {
    available: false,
    reason: `${reasons.join('; ')}. Build it with \`node ${here('../scripts/build.mjs')}\` (cmake and a C++20 compiler)`,
  };
}

/** Exports of the file, where the values of an op's fields go in the order of its list. */
type NativeAddon = Omit<Addon, 'Device' | 'fields'> & {
  Device: new (
    ...args: ConstructorParameters<Addon['Device']>
  ) => Omit<Device, 'run' | 'runBy'> & {
    runInOrder(op: string, values: readonly (Field | undefined)[]): void;
  };
  fields(): Addon['fields'];
};

/** Puts values in the order of the addon's lists: a look-up by name from C++ costs more than a small op. */
function withNamedFields({ Device, fields: listFields, ...rest }: NativeAddon): Addon {
  const fields = listFields();
  class NamedDevice extends Device {
    run(op: string, given: Readonly<Record<string, Field>>): void {
      this.runBy(op, (name) => given[name]);
    }
    runBy(op: string, fieldOf: (name: string) => Field | undefined): void {
      const names = fields[op];
      if (!names) throw new Error(`there is no op "${op}"; there are ${Object.keys(fields).join(', ')}`);
      this.runInOrder(op, names.map(fieldOf));
    }
  }
  return { ...rest, fields, Device: NamedDevice };
}

const MARK = 'doppel-native-addon napi=';

/** Checks the Node-API version of the file before loading: Node aborts on an addon that needs a newer one. */
function checkMark(content: Buffer): void {
  const at = content.indexOf(MARK);
  if (at < 0) throw new Error('it is not the addon of doppel');
  const wanted = Number.parseInt(content.toString('latin1', at + MARK.length, at + MARK.length + 8), 10);
  const has = Number(process.versions.napi ?? 8); // Deno has 8 or later and may not say so
  if (wanted > has) throw new Error(`it is built for Node-API ${wanted}, this runtime has ${has}`);
}

/** Checks for a truncated library, which would kill the process that maps it: ELF's last part must be present. */
function checkWhole(content: Buffer): void {
  const isElf64 =
    content.length >= 64 && content.toString('latin1', 1, 4) === 'ELF' && content[4] === 2 && content[5] === 1;
  if (!isElf64) return; // other formats are checked by their own loaders
  const end = Number(content.readBigUInt64LE(0x28)) + content.readUInt16LE(0x3a) * content.readUInt16LE(0x3c);
  if (end > content.length) throw new Error(`it is cut short: ${content.length} bytes of ${end}`);
}

/** Reason that a failed build left. */
function notBuilt(): string {
  const note = here('../build/not-built.txt');
  return existsSync(note) ? ` (the build: ${readFileSync(note, 'utf8').trim()})` : '';
}
