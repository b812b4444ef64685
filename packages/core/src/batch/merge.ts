/** Merges the results of items into files, in the order of the plan, with every item once. */
import { FormatError } from '../errors.ts';
import type { FileWriter, Store } from '../store.ts';
import type { Plan } from './plan.ts';
import { readResult, statesOf } from './results.ts';

/** A file of the merged result. */
export interface MergedFile {
  path: string;
  /** Text before the first row. */
  head?: string | undefined;
  /** Text of a row, with its line break. Default: JSON. */
  line?: ((row: unknown) => string) | undefined;
}

export interface MergeCounts {
  rows: number;
  done: number;
  failed: number;
  /** Items that are tried again; their rows are not merged. */
  retry: number;
  missing: number;
}

/** Characters that are written together. */
const PART = 2 ** 16;

/**
 * @param roots folders of results.
 * @param isPartial true to merge what there is; otherwise files are written only if every item is done or failed for good.
 */
export async function mergeResults(
  store: Store,
  plan: Plan,
  {
    roots = [plan.folder],
    files,
    isPartial = false,
    signal,
    onRow,
  }: {
    roots?: readonly string[];
    files: readonly MergedFile[];
    isPartial?: boolean;
    signal?: AbortSignal | undefined;
    onRow?: (row: unknown) => void;
  },
): Promise<MergeCounts> {
  if (!isPartial) {
    const counts = await countStates(store, plan, roots, signal);
    if (counts.missing + counts.retry > 0) return { rows: 0, ...counts }; // before results are read, which takes longer
  }
  const counts: MergeCounts = { rows: 0, ...NONE };
  const writers: TextFile[] = [];
  try {
    for (const file of files) writers.push(await TextFile.create(store, file));
    for await (const { state, file } of statesOf(store, plan, roots)) {
      signal?.throwIfAborted();
      counts[state]++;
      if (state === 'missing' || state === 'retry') continue;
      for (const line of (await readResult(store, file!)).rows) {
        const row = parsedRow(line, file!);
        onRow?.(row);
        for (const writer of writers) await writer.add(row, line);
        counts.rows++;
      }
    }
    for (const writer of writers) await writer.finish();
    return counts;
  } finally {
    for (const writer of writers) await writer.discard();
  }
}

const NONE = { done: 0, failed: 0, retry: 0, missing: 0 };

async function countStates(store: Store, plan: Plan, roots: readonly string[], signal: AbortSignal | undefined) {
  const counts = { ...NONE };
  for await (const { state } of statesOf(store, plan, roots)) {
    signal?.throwIfAborted();
    counts[state]++;
  }
  return counts;
}

function parsedRow(line: string, file: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new FormatError({
      ...{ action: 'merge the result', file, expected: 'rows of JSON', found: 'a damaged one', cause },
      remedy: 'Remove the file, and run its shard again.',
    });
  }
}

/** Text that grows in parts. */
class TextFile {
  private readonly writer: FileWriter;
  private readonly line: MergedFile['line'];
  private part: string;

  private constructor(writer: FileWriter, { head = '', line }: MergedFile) {
    this.writer = writer;
    this.part = head;
    this.line = line;
  }

  static async create(store: Store, file: MergedFile): Promise<TextFile> {
    return new TextFile(await store.create(file.path), file);
  }

  async add(row: unknown, json: string): Promise<void> {
    this.part += this.line?.(row) ?? `${json}\n`;
    if (this.part.length >= PART) await this.flush();
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.writer.finish();
  }

  discard(): Promise<void> {
    return this.writer.discard();
  }

  private async flush(): Promise<void> {
    await this.writer.write(new TextEncoder().encode(this.part));
    this.part = '';
  }
}
