/** STAC catalog of a merged result, so that a platform can stage it out: one item, whose assets are the merged files. */
import { nameOf } from '@doppel/core';
import type { PlanHeader } from '@doppel/core/batch';

const STAC_VERSION = '1.0.0';

const MEDIA_TYPES: Record<string, string> = { jsonl: 'application/x-ndjson', csv: 'text/csv' };

/**
 * Files of the catalog, by name.
 *
 * @param files paths of the merged result.
 * @param time ISO 8601, of the merging: pairs of a batch may be of many dates.
 */
export function stacCatalog(
  { kind, items, fingerprint }: PlanHeader,
  files: readonly string[],
  time: string,
): Map<string, string> {
  const id = `doppel-${kind}-${fingerprint.slice(0, 12)}`;
  const assets = Object.fromEntries(
    files.map((path) => {
      const name = nameOf(path);
      return [name, { href: `./${name}`, type: MEDIA_TYPES[name.split('.').at(-1)!], roles: ['data'] }];
    }),
  );
  const catalog = {
    ...{ type: 'Catalog', stac_version: STAC_VERSION, id, description: `Result of doppel batch: ${kind}` },
    links: [
      { rel: 'root', href: './catalog.json', type: 'application/json' },
      { rel: 'item', href: './item.json', type: 'application/geo+json' },
    ],
  };
  const item = {
    ...{ type: 'Feature', stac_version: STAC_VERSION, stac_extensions: [], id, geometry: null },
    properties: { datetime: time, 'doppel:kind': kind, 'doppel:items': items, 'doppel:plan': fingerprint },
    links: ['root', 'parent'].map((rel) => ({ rel, href: './catalog.json', type: 'application/json' })),
    assets,
  };
  const text = (value: object) => `${JSON.stringify(value, null, 1)}\n`;
  return new Map([
    ['item.json', text(item)],
    ['catalog.json', text(catalog)],
  ]);
}
