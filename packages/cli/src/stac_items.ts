/** Items of a STAC collection, catalog, item collection or item, whose assets are local files. */
import { folderOf, joinPath, readText, type Store } from '@doppel/core';
import { parseJson } from '@doppel/core/base';
import { FormatError } from '@doppel/core/errors';
import { z } from 'zod';

/** True for the name of a STAC document; lists of other forms end otherwise (.jsonl, .csv). */
export const isStac = (file: string): boolean => /\.(geo)?json$/i.test(file);

export interface StacItem {
  id: string;
  datetime: string | undefined;
  /** Document that holds it. */
  file: string;
  /** Path of an asset. @param flag that names another. @throws FormatError if there is none, or it is no local file. */
  pathOf(asset: string, flag: string): string;
}

const link = z.object({ rel: z.string(), href: z.string() });
const itemSchema = z.object({
  type: z.literal('Feature'),
  id: z.string(),
  properties: z.object({ datetime: z.string().nullish() }),
  assets: z.record(z.string(), z.object({ href: z.string() })),
});
const document = z.union([
  itemSchema,
  z.object({ type: z.literal('FeatureCollection'), features: z.array(itemSchema) }),
  z.object({ type: z.enum(['Collection', 'Catalog']), links: z.array(link) }),
]);

/** Items one by one, those of linked documents too. @throws FormatError if a document is no STAC. */
export async function* stacItems(store: Store, file: string): AsyncGenerator<StacItem> {
  const found = await readStac(store, file);
  if (found.type === 'Feature') return yield itemOf(found, file);
  if (found.type === 'FeatureCollection') return yield* found.features.map((each) => itemOf(each, file));
  for (const { rel, href } of found.links) {
    if (rel === 'item' || rel === 'child') yield* stacItems(store, localPath(file, href));
  }
}

async function readStac(store: Store, file: string): Promise<z.output<typeof document>> {
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read the manifest', file, found, cause },
      expected: 'a STAC collection, item collection or item (or JSON lines, as .jsonl)',
    });
  return parseJson(document, await readText(store, file), fail);
}

const itemOf = ({ id, assets, properties }: z.output<typeof itemSchema>, file: string): StacItem => ({
  ...{ id, file, datetime: properties.datetime ?? undefined },
  pathOf(name, flag) {
    const asset = assets[name];
    if (asset) return localPath(file, asset.href);
    throw new FormatError({
      ...{ action: 'read the manifest', file, expected: `an asset "${name}" in the item ${id}` },
      found: Object.keys(assets).join(', ') || 'none',
      remedy: `Name another by ${flag}.`,
    });
  },
});

/** Path of what a STAC document refers to. @throws FormatError for an address: files are read from disk. */
function localPath(file: string, href: string): string {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(href)) return joinPath(folderOf(file), href.replace(/^(\.\/)+/, ''));
  throw new FormatError({
    ...{ action: 'read the manifest', file, expected: 'paths of files', found: href },
    remedy: 'Download the scenes, and refer to them by relative paths.',
  });
}
