/** World files beside an image (`1.tfw`, `1.pgw`, `1.wld`): six numbers, and the reference system in Esri's `.prj`. */
import type { AffineTransform } from '../raster/raster.ts';
import { nameOf, readText, type Store } from '../store.ts';
import { isWkt } from './wkt.ts';

export interface WorldFile {
  name: string;
  transform: AffineTransform;
  /** WKT of the `.prj`. */
  crs?: string;
}

/** Maximum size in bytes; a larger file is no world file. */
const MAX_SIZE = 2 ** 16;

export async function readWorldFile(store: Store, image: string): Promise<WorldFile | undefined> {
  const name = nameOf(image);
  const [, stem = name, extension = ''] = /^(.*)\.([^.]+)$/.exec(name) ?? [];
  const short = extension.length >= 2 ? `${extension[0]}${extension.at(-1)}w` : `${extension}w`;
  const beside = (ending: string) => `${image.slice(0, image.length - name.length)}${stem}.${ending}`;
  for (const ending of [short, `${extension}w`, 'wld'].flatMap((each) => [each.toLowerCase(), each.toUpperCase()])) {
    const text = await smallText(store, beside(ending));
    const transform = text === undefined ? undefined : parseWorldFile(text);
    if (!transform) continue;
    const crs = (await smallText(store, beside('prj'))) ?? (await smallText(store, beside('PRJ')));
    return { name: `${stem}.${ending}`, transform, ...(crs && isWkt(crs.trim()) && { crs: crs.trim() }) };
  }
  return undefined;
}

/** Parses A, D, B, E, C, F: the last two are the centre of the upper left pixel. */
function parseWorldFile(text: string): AffineTransform | undefined {
  const numbers = text
    .trim()
    .split(/\s+/)
    .map((word) => Number(word.replace(',', '.')));
  if (numbers.length < 6 || !numbers.slice(0, 6).every(Number.isFinite)) return undefined;
  const [a, d, b, e, c, f] = numbers as [number, number, number, number, number, number];
  return [c - (a + b) / 2, a, b, f - (d + e) / 2, d, e];
}

async function smallText(store: Store, path: string): Promise<string | undefined> {
  const info = await store.stat(path);
  return info?.kind === 'file' && info.size <= MAX_SIZE ? readText(store, path) : undefined;
}
