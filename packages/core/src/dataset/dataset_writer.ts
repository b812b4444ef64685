/**
 * Builds a data set: patches first, its list last, so that a folder with a `pairs.jsonl` is complete. Patches are
 * written side by side, a bounded number at a time.
 */
import { sha256 } from '../base/sha256.ts';
import { PatchError, UsageError } from '../errors.ts';
import { encodePatch } from '../raster/encode_patch.ts';
import type { Raster } from '../raster/raster.ts';
import { joinPath, type Store } from '../store.ts';
import { imagesDigest } from './fingerprint.ts';
import { isInside } from './inside.ts';
import { type DatasetHeader, formatLines, PAIRS_FILE, type PairRecord, parsePairs } from './pairs_file.ts';
import type { WindowRecord } from './scene_list.ts';

const WRITE_AT_ONCE = 32;

/** Pairs that were left out, by reason. */
export type Skipped = Record<string, number>;

export interface BuiltDataset {
  header: DatasetHeader;
  records: PairRecord[];
  skipped: Skipped;
}

/** Part of a data set whose patches are written; plain data, which threads can send to each other. */
export interface DatasetPart {
  records: PairRecord[];
  windows: WindowRecord[];
  /** SHA-256 of each image, by its path. */
  contents: Map<string, string>;
  skipped: Skipped;
}

export class DatasetWriter {
  readonly folder: string;
  private readonly store: Store;
  private readonly records: PairRecord[] = [];
  private readonly windows: WindowRecord[] = [];
  private readonly skipped: Skipped = {};
  /** SHA-256 of each image, by its path. */
  private readonly contents = new Map<string, string>();
  /** Paths as file systems compare them that take no heed of case. */
  private readonly taken = new Set<string>();
  private readonly underWay = new Set<Promise<void>>();
  private failure: { error: unknown } | undefined;

  private constructor(store: Store, folder: string) {
    this.store = store;
    this.folder = folder;
  }

  /**
   * @param work adds patches and records, and returns the header.
   * @throws what `work` throws, once no write is under way any more: the folder can be removed then.
   */
  static async build(
    store: Store,
    folder: string,
    work: (writer: DatasetWriter) => Promise<DatasetHeader>,
  ): Promise<BuiltDataset> {
    const writer = new DatasetWriter(store, folder);
    try {
      return await writer.finish(await work(writer));
    } finally {
      await Promise.all(writer.underWay);
    }
  }

  /**
   * Writes the patches of a part, which `adopt` adds to the whole.
   *
   * @param work as for `build`. Stems of different parts must differ.
   */
  static async part(
    store: Store,
    folder: string,
    work: (writer: DatasetWriter) => Promise<void>,
  ): Promise<DatasetPart> {
    const writer = new DatasetWriter(store, folder);
    try {
      await work(writer);
    } finally {
      await Promise.all(writer.underWay);
    }
    writer.refuseFailure();
    const { records, windows, contents, skipped } = writer;
    return { records, windows, contents, skipped };
  }

  /** Adds a part to the whole. */
  adopt({ records, windows, contents, skipped }: DatasetPart): void {
    this.records.push(...records);
    this.windows.push(...windows);
    for (const [path, hash] of contents) this.contents.set(path, hash);
    for (const [reason, count] of Object.entries(skipped)) this.skip(reason, count);
  }

  get pairs(): number {
    return this.records.length + this.windows.length;
  }

  /**
   * Writes a patch without loss; waits only where many are under way already.
   *
   * @param stem of the path inside the folder, to which the extension of the format is added. Stems that come to one
   * file on some system (`A/1`, `./A/1`, `a/1`) are distinguished by a number.
   * @returns the path inside the folder. @throws FileError of this patch or of an earlier one.
   * @throws UsageError where a name from outside, such as that of a place, would lead out of the folder.
   */
  async addPatch(stem: string, raster: Raster): Promise<string> {
    if (!isInside(stem) || /(^|[/\\])\.\.([/\\]|$)/.test(stem)) throw wildName(stem);
    const { bytes, extension } = await encodePatch(raster);
    const path = this.freePath(stem, extension);
    await this.begin(this.writeImage(path, bytes));
    return path;
  }

  private async writeImage(path: string, bytes: Uint8Array): Promise<void> {
    this.contents.set(path, await sha256(bytes));
    const name = joinPath(this.folder, path);
    // Before the list is written, the folder is no data set, and half a file in it harms nobody.
    await (this.store.writeUnfinished?.(name, bytes) ?? this.store.write(name, bytes));
  }

  private freePath(stem: string, extension: string): string {
    const clean = stem
      .split(/[/\\]/)
      .map((part) => part.trim())
      .filter((part) => part !== '' && part !== '.')
      .join('/');
    const keyOf = (path: string) => path.normalize('NFC').toLowerCase();
    for (let copy = 1; ; copy++) {
      const path = `${clean}${copy === 1 ? '' : `~${copy}`}.${extension}`;
      if (this.taken.has(keyOf(path))) continue;
      this.taken.add(keyOf(path));
      return path;
    }
  }

  addRecord(record: PairRecord): void {
    this.records.push(record);
  }

  /** Adds a pair that is a window of a scene of the header (version 2). */
  addWindow(record: WindowRecord): void {
    this.windows.push(record);
  }

  skip(reason: string, count = 1): void {
    if (count > 0) this.skipped[reason] = (this.skipped[reason] ?? 0) + count;
  }

  private async finish(header: DatasetHeader): Promise<BuiltDataset> {
    await Promise.all(this.underWay);
    this.refuseFailure();
    if (this.pairs === 0) throw noPairs(this.skipped);
    const images = header.version === 1 && { images: await imagesDigest(this.records, this.contents) };
    const whole = { ...header, made: { ...header.made, ...images } };
    const text = formatLines(whole, [...this.records, ...this.windows]);
    const file = joinPath(this.folder, PAIRS_FILE);
    const { records } = parsePairs(text, file); // what is written can be opened
    await this.store.write(file, text);
    return { header: whole, records, skipped: this.skipped };
  }

  private async begin(write: Promise<void>): Promise<void> {
    const watched: Promise<void> = write
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.underWay.delete(watched));
    this.underWay.add(watched);
    if (this.underWay.size >= WRITE_AT_ONCE) await Promise.race(this.underWay);
    this.refuseFailure();
  }

  private refuseFailure(): void {
    if (this.failure) throw this.failure.error;
  }
}

function wildName(stem: string): UsageError {
  return new UsageError({
    action: `name a patch "${stem}"`,
    expected: 'a name that stays inside the data set',
    found: 'one that leads out of it',
    remedy: 'Give the place another name, without "..".',
  });
}

function noPairs(skipped: Skipped): PatchError {
  const reasons = Object.entries(skipped).map(([reason, count]) => `${count} ${reason}`);
  return new PatchError({
    action: `write ${PAIRS_FILE}`,
    expected: 'at least one pair of patches',
    found: reasons.length > 0 ? `none (left out: ${reasons.join(', ')})` : 'none',
    remedy: 'Check that both images show the same ground; a smaller --side or a larger --max-no-data keeps more.',
  });
}
