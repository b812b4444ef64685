/** Pairs of scenes or patches: from JSON lines or CSV, or from a STAC collection, item collection or item with two assets. */
import { nameOf, type Store } from '@doppel/core';
import { FormatError, UsageError } from '@doppel/core/errors';
import { z } from 'zod';
import { readManifest } from './manifest.ts';
import { isStac, stacItems } from './stac_items.ts';

export interface ListedPair {
  readonly id: string;
  readonly sar: string;
  readonly optical: string;
  /** ISO 8601. */
  readonly date?: string | undefined;
}

export interface AssetNames {
  readonly sarAsset: string;
  readonly opticalAsset: string;
}

/** All pairs, with names of their own. @throws FormatError if the manifest is damaged. @throws UsageError if it lists nothing, or a name twice. */
export async function readPairs(store: Store, manifest: string, assets: AssetNames): Promise<ListedPair[]> {
  const pairs: ListedPair[] = [];
  for await (const pair of asFolders(listPairs(store, manifest, assets), manifest)) pairs.push(pair);
  if (pairs.length > 0) return pairs;
  throw new UsageError({ action: `register the pairs of ${manifest}`, expected: 'at least one pair', found: 'none' });
}

/** Pairs one by one. @throws FormatError if the manifest is damaged. */
export async function* listPairs(store: Store, manifest: string, assets: AssetNames): AsyncGenerator<ListedPair> {
  if (isStac(manifest)) yield* stacPairs(store, manifest, assets);
  else yield* manifestPairs(store, manifest);
}

async function* manifestPairs(store: Store, manifest: string): AsyncGenerator<ListedPair> {
  for await (const { id, sar, date, sarPath, opticalPath, line } of readManifest(store, manifest, 'anywhere')) {
    requireDate(date, manifest, line);
    yield { id: id ?? fileStem(sar), sar: sarPath, optical: opticalPath, date };
  }
}

const isoDate = z.union([z.iso.date(), z.iso.datetime({ offset: true, local: true })]);

/** @throws FormatError for what is no date: `qa` could not order the pair, after all the work. */
function requireDate(date: string | undefined, file: string, line?: number): void {
  if (date === undefined || isoDate.safeParse(date).success) return;
  throw new FormatError({
    ...{ action: 'read the manifest', file, ...(line !== undefined && { line }), found: date },
    expected: 'a date by ISO 8601, as 2020-11-04 or 2020-11-04T10:12:00Z',
    remedy: 'Correct it, or leave it empty.',
  });
}

/** Names in the folder of a batch that are not those of pairs. */
const RESERVED = /^(\.+|plan|results|runners)$/;

/** A name as one folder. */
const folderName = (name: string) =>
  name.replaceAll(/[^\w.-]+/g, '_').replace(RESERVED, (own) => `_${own.replace(/^\.+$/, '')}`) || '_';

const fileStem = (path: string) => nameOf(path).replace(/\.\w+$/, '');

/** Pairs whose names are names of folders. @throws UsageError for a name that was there before. */
export async function* asFolders(pairs: AsyncIterable<ListedPair>, manifest: string): AsyncGenerator<ListedPair> {
  const seen = new Set<string>();
  for await (const pair of pairs) {
    const id = folderName(pair.id);
    if (seen.has(id)) throw twice(id, manifest);
    seen.add(id);
    yield { ...pair, id };
  }
}

const twice = (id: string, manifest: string) =>
  new UsageError({
    action: `register the pairs of ${manifest}`,
    ...{ expected: 'a name of its own for each pair', found: `${id} twice` },
    remedy: 'Add a column "id".',
  });

async function* stacPairs(store: Store, manifest: string, assets: AssetNames): AsyncGenerator<ListedPair> {
  for await (const item of stacItems(store, manifest)) {
    requireDate(item.datetime, item.file);
    yield {
      id: item.id,
      sar: item.pathOf(assets.sarAsset, '--sar-asset'),
      optical: item.pathOf(assets.opticalAsset, '--optical-asset'),
      date: item.datetime,
    };
  }
}
