/**
 * A plan: all items of a batch, fixed before any of them runs. It lies in a folder of its own:
 *
 *     plan.json            kind of work, settings, fingerprints, number of items
 *     plan/NAME.jsonl      an item a line
 *     plan/NAME.index      for each item the offset of its line (float64) and its fingerprint (8 bytes)
 *     results/, runners/   see results.ts and runners.ts
 *
 * Neither writing nor reading holds more than a block of items, however many there are.
 */
import { z } from 'zod';
import { inBlocks } from '../base/blocks.ts';
import { parseJson } from '../base/parse_json.ts';
import { sha256 } from '../base/sha256.ts';
import type { Watch } from '../base/watch.ts';
import { FormatError, UsageError } from '../errors.ts';
import { type FileWriter, joinPath, readText, type Store } from '../store.ts';
import { type BatchItem, DIGITS, fingerprintOf, INPUT_CHECKS, type PlannedItem } from './item.ts';

const FILE = 'plan.json';

const headerSchema = z.object({
  doppel: z.literal('batch-plan'),
  version: z.literal(1),
  /** Kind of work. */
  kind: z.string(),
  /** Settings of the kind. */
  settings: z.record(z.string(), z.unknown()),
  /** Fingerprints of what all items need, such as the model. */
  tools: z.record(z.string(), z.string()),
  /** Folder that paths of items are relative to. */
  root: z.string(),
  inputs: z.enum(INPUT_CHECKS),
  items: z.int().min(1),
  /** Hash of all items in their order: equal plans are equal here. */
  fingerprint: z.string(),
  /** Name of the two files of items. */
  name: z.string(),
});
export type PlanHeader = z.output<typeof headerSchema>;

/** Plan to be written. */
export interface PlanTask extends Pick<PlanHeader, 'kind' | 'settings' | 'tools' | 'root' | 'inputs'> {
  /** Folder of the plan. */
  folder: string;
  items: AsyncIterable<BatchItem>;
}

/** Bytes of an entry of the index. */
const ENTRY = 16;
/** Items that are read or fingerprinted together. */
export const BLOCK = 100;

/**
 * Writes a plan; the older one is replaced at once, and results of items that are in both are kept.
 *
 * @returns the plan, and whether it is another than the one that was there.
 * @throws UsageError if there is no item.
 */
export async function writePlan(
  store: Store,
  task: PlanTask,
  { signal, onProgress }: Watch = {},
): Promise<{ plan: Plan; isNew: boolean }> {
  const { folder, kind, settings, tools, root, inputs } = task;
  const common = await textHash(JSON.stringify([kind, settings, tools]));
  const name = crypto.randomUUID().slice(0, 8);
  const files = await ItemFiles.create(store, folder, name);
  try {
    for await (const block of inBlocks(task.items, BLOCK)) {
      signal?.throwIfAborted();
      const prints = await fingerprintsOf(store, block, { common, root, inputs });
      await files.add(block, prints);
      onProgress?.(files.items, files.items);
    }
    if (files.items === 0) throw nothingToDo();
    const { items, fingerprint } = files;
    const older = await headerOf(store, folder);
    const header: PlanHeader = {
      ...{ doppel: 'batch-plan', version: 1, kind, settings: plain(settings), tools, root, inputs, items, fingerprint },
      name,
    };
    if (older && isSame(older, header)) {
      await files.discard();
      return { plan: new Plan(store, folder, older), isNew: false };
    }
    await files.finish();
    await store.write(joinPath(folder, FILE), `${JSON.stringify(header, null, 1)}\n`);
    if (older) for (const path of itemFiles(folder, older.name)) await store.remove(path);
    return { plan: new Plan(store, folder, header), isNew: true };
  } catch (error) {
    await files.discard();
    throw error;
  }
}

const nothingToDo = () => new UsageError({ action: 'plan a batch', expected: 'at least one item', found: 'none' });

const isSame = ({ name: _, ...older }: PlanHeader, { name: __, ...newer }: PlanHeader) =>
  JSON.stringify(older) === JSON.stringify(newer);

/** A value as it comes back from JSON. */
const plain = (value: Record<string, unknown>) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textHash = (text: string) => sha256(bytesOf(text));

const itemFiles = (folder: string, name: string) =>
  [`${name}.jsonl`, `${name}.index`].map((file) => joinPath(folder, 'plan', file)) as [string, string];

/** Fingerprints of items, side by side; one after the other where files are read, so that one is in memory at a time. */
async function fingerprintsOf(
  store: Store,
  items: readonly BatchItem[],
  task: Parameters<typeof fingerprintOf>[2],
): Promise<string[]> {
  if (task.inputs !== 'content') return Promise.all(items.map((item) => fingerprintOf(store, item, task)));
  const prints: string[] = [];
  for (const item of items) prints.push(await fingerprintOf(store, item, task));
  return prints;
}

/** The two files of items while they grow. */
class ItemFiles {
  items = 0;
  fingerprint = '';
  private offset = 0;
  private readonly lines: FileWriter;
  private readonly index: FileWriter;

  private constructor(lines: FileWriter, index: FileWriter) {
    this.lines = lines;
    this.index = index;
  }

  static async create(store: Store, folder: string, name: string): Promise<ItemFiles> {
    const [lines, index] = itemFiles(folder, name);
    return new ItemFiles(await store.create(lines), await store.create(index));
  }

  async add(block: readonly BatchItem[], fingerprints: readonly string[]): Promise<void> {
    const index = new DataView(new ArrayBuffer(ENTRY * block.length));
    const texts = block.map(({ id, files, details }, i) => {
      const text = `${JSON.stringify({ id, files, details })}\n`;
      index.setFloat64(ENTRY * i, this.offset);
      index.setBigUint64(ENTRY * i + 8, BigInt(`0x${fingerprints[i]}`));
      this.offset += bytesOf(text).length;
      return text;
    });
    await this.lines.write(bytesOf(texts.join('')));
    await this.index.write(new Uint8Array(index.buffer));
    this.items += block.length;
    this.fingerprint = await textHash(this.fingerprint + fingerprints.join(''));
  }

  async finish(): Promise<void> {
    await this.lines.finish();
    await this.index.finish();
  }

  async discard(): Promise<void> {
    await this.lines.discard();
    await this.index.discard();
  }
}

async function headerOf(store: Store, folder: string): Promise<PlanHeader | undefined> {
  const file = joinPath(folder, FILE);
  if (!(await store.stat(file))) return undefined;
  const fail = (found: string, cause?: unknown) =>
    new FormatError({ action: 'read the plan', file, expected: 'a plan of `doppel batch plan`', found, cause });
  return parseJson(headerSchema, await readText(store, file), fail);
}

/** @throws UsageError if there is no plan. @throws FormatError if it is damaged. */
export async function openPlan(store: Store, folder: string): Promise<Plan> {
  const header = await headerOf(store, folder);
  if (header) return new Plan(store, folder, header);
  throw new UsageError({
    ...{ action: `open the plan ${folder}`, expected: `a folder with ${FILE}`, found: 'none' },
    remedy: 'Make one by `doppel batch plan`.',
  });
}

const itemSchema = z.object({ id: z.string(), files: z.array(z.string()), details: z.unknown().optional() });

export class Plan {
  readonly folder: string;
  readonly header: PlanHeader;
  private readonly store: Store;

  constructor(store: Store, folder: string, header: PlanHeader) {
    this.store = store;
    this.folder = folder;
    this.header = header;
  }

  /** Fingerprint of what all items share. */
  common(): Promise<string> {
    const { kind, settings, tools } = this.header;
    return textHash(JSON.stringify([kind, settings, tools]));
  }

  /** Items from one position to the one before another. @throws FormatError if the plan is damaged. */
  async *items(from = 0, to = this.header.items): AsyncGenerator<PlannedItem> {
    const [file] = itemFiles(this.folder, this.header.name);
    for (let start = from; start < to; start += BLOCK) {
      const count = Math.min(BLOCK, to - start);
      const entries = await this.entries(start, count + 1);
      const [first, next] = [entries[0]!.offset, entries[count]?.offset];
      const length = (next ?? (await this.store.stat(file))?.size ?? first) - first;
      const lines = new TextDecoder().decode(await this.store.readRange(file, first, length)).split('\n');
      for (let i = 0; i < count; i++) {
        const fail = (found: string, cause?: unknown) =>
          new FormatError({
            ...{ action: 'read the plan', file, line: start + i + 1, expected: 'an item', found, cause },
          });
        const item = parseJson(itemSchema, lines[i] ?? '', fail);
        yield { ...item, index: start + i, fingerprint: entries[i]!.fingerprint };
      }
    }
  }

  /** Fingerprints of items, from one position to the one before another. */
  async fingerprints(from: number, to: number): Promise<string[]> {
    return (await this.entries(from, to - from)).map(({ fingerprint }) => fingerprint);
  }

  /** Entries of the index; fewer at its end. */
  private async entries(from: number, count: number): Promise<{ offset: number; fingerprint: string }[]> {
    const [, file] = itemFiles(this.folder, this.header.name);
    const bytes = await this.store.readRange(file, ENTRY * from, ENTRY * count);
    const expected = Math.min(count, this.header.items - from);
    if (bytes.length !== ENTRY * expected) {
      const found = `${bytes.length} bytes`;
      throw new FormatError({ action: 'read the plan', file, expected: `${ENTRY * expected} bytes`, found });
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Array.from({ length: expected }, (_, i) => ({
      offset: view.getFloat64(ENTRY * i),
      fingerprint: view
        .getBigUint64(ENTRY * i + 8)
        .toString(16)
        .padStart(DIGITS, '0'),
    }));
  }
}
