/**
 * Companion files of an image, as GDAL writes them: `IMAGE.aux.xml` with no-data, scale and unit of the
 * bands, and `IMAGE.msk`, a TIFF whose zeros are missing pixels.
 */
import { readText, type Store } from '../store.ts';
import { type FileFacts, readAuxXml } from './gdal_metadata.ts';
import type { RasterWindow } from './window.ts';

export interface Sidecars {
  /** Facts of `IMAGE.aux.xml`. */
  facts?: FileFacts | undefined;
  /** Sentences without full stop. */
  guesses?: string[];
  /** Text of `IMAGE.aux.xml`, which may hold the georeference, too. */
  auxXml?: string;
  /** [height, width] of 1 where the pixel is masked out. @param bands chosen, from 0. */
  mask?: (window: RasterWindow, bands: readonly number[]) => Promise<Uint8Array>;
}

/** Maximum size in bytes; a larger file would hold statistics of millions of values, and none is known. */
const MAX_XML = 2 ** 24;

const NO_XML = 'the companion .aux.xml is no XML, and is passed over';

type OpenMask = (store: Store, path: string, size: { width: number; height: number }) => Promise<Sidecars['mask']>;

/** Endings of the companion files that change samples or their place. */
export const COMPANIONS = ['.aux.xml', '.msk'] as const;

/**
 * @param openMask reader of masks, passed in to avoid a circular import with GeoTIFF.
 * @param companions endings of the files that count, if they are there.
 */
export async function readSidecars(
  store: Store,
  image: string,
  size: { width: number; height: number },
  openMask: OpenMask,
  companions: readonly string[] = COMPANIONS,
): Promise<Sidecars> {
  const xml = companions.includes('.aux.xml') ? await smallText(store, `${image}.aux.xml`) : undefined;
  const facts = xml === undefined ? undefined : readAuxXml(xml);
  const found: Sidecars = facts ? { facts, auxXml: xml! } : { guesses: xml?.trim() ? [NO_XML] : [] };
  if (!companions.includes('.msk') || (await store.stat(`${image}.msk`))?.kind !== 'file') return found;
  const mask = await openMask(store, `${image}.msk`, size);
  return { ...found, ...(mask && { mask }) };
}

async function smallText(store: Store, path: string): Promise<string | undefined> {
  const info = await store.stat(path);
  return info?.kind === 'file' && info.size <= MAX_XML ? readText(store, path) : undefined;
}
