/**
 * The Optical-SAR data set (VolkovVl, 2021) as its makers publish it: pairs of PNGs without georeference, `opt/NNN.png` and
 * `sar/NNN.png`, and a `metadata.json` that says where the corners of each lie.
 */
import { z } from 'zod';
import { parseJson } from '../base/parse_json.ts';
import { isInside } from '../dataset/inside.ts';
import { FileError, FormatError } from '../errors.ts';
import type { Footprint } from '../geo/footprint.ts';
import { joinPath, readText, type Store } from '../store.ts';
import type { ScenePair } from './import_scene.ts';

const METADATA = 'metadata.json';
const CRS = 'EPSG:3395';
const LAST_COUNTS = `${METADATA} lists it at two places, of which the last counts`;

const corner = z.tuple([z.number(), z.number()]);
const fragmentSchema = z.object({
  fragment_filename: z.string().refine(isInside, 'must be a name inside the folder'),
  /** Upper left, upper right, lower right, lower left. */
  'corners_EPSG:3395': z.tuple([corner, corner, corner, corner]),
});

export interface OpticalSarScenes {
  /** Folder of `metadata.json`. */
  folder: string;
  /** Scenes whose images are there, by name. */
  scenes: ScenePair[];
  /** Names of fragments without images. */
  absent: string[];
}

/**
 * Lists the scenes. A fragment that is listed again was written over by a later one of the same name, so that its last
 * place counts.
 *
 * @param folder of `metadata.json`, or the one above `dataset/`.
 * @throws FileError where there is no such file. @throws FormatError where it is another one.
 */
export async function findOpticalSar(store: Store, folder: string): Promise<OpticalSarScenes> {
  const root = await rootOf(store, folder);
  const file = joinPath(root, METADATA);
  const places = new Map<string, Footprint>();
  const listedTwice = new Set<string>();
  for (const [i, fragment] of (await readFragments(store, file)).entries()) {
    const path = fragment.fragment_filename;
    const place = placeOf(fragment['corners_EPSG:3395'], file, `${path} (entry ${i + 1})`);
    const before = places.get(path);
    if (before && before.bounds.join() !== place.bounds.join()) listedTwice.add(path);
    places.set(path, place);
  }
  const found: OpticalSarScenes = { folder: root, scenes: [], absent: [] };
  for (const [path, place] of [...places].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [sar, optical] = [joinPath(root, 'sar', path), joinPath(root, 'opt', path)];
    const isThere = (await store.stat(sar)) !== undefined && (await store.stat(optical)) !== undefined;
    const guess = listedTwice.has(path) ? LAST_COUNTS : undefined;
    if (isThere) found.scenes.push({ name: stemOf(path), sar, optical, place, guess });
    else found.absent.push(stemOf(path));
  }
  return found;
}

async function rootOf(store: Store, folder: string): Promise<string> {
  const folders = [folder, joinPath(folder, 'dataset')];
  for (const each of folders) if (await store.stat(joinPath(each, METADATA))) return each;
  throw new FileError({
    ...{ action: 'find the scenes of', file: folder, found: 'none' },
    expected: `${METADATA} in it, or in its folder "dataset"`,
    remedy: 'Name the folder that holds opt/, sar/ and metadata.json.',
  });
}

async function readFragments(store: Store, file: string) {
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read', file, found, cause },
      expected: `a list of {"fragment_filename": "003.png", "corners_${CRS}": [four corners]}`,
    });
  return parseJson(z.array(fragmentSchema).min(1), await readText(store, file), fail);
}

type Corners = z.infer<typeof fragmentSchema>['corners_EPSG:3395'];

/** @throws FormatError where the corners are those of no rectangle with north up. */
function placeOf(corners: Corners, file: string, fragment: string): Footprint {
  const [[left, top], [right, upper], [east, bottom], [west, lower]] = corners;
  if (left === west && right === east && top === upper && bottom === lower && left < right && bottom < top) {
    return { crs: CRS, bounds: [left, bottom, right, top] };
  }
  throw new FormatError({
    ...{ action: `place ${fragment} of`, file, expected: 'corners of a rectangle: upper left, then clockwise' },
    found: JSON.stringify(corners),
  });
}

const stemOf = (path: string) => path.replace(/\.[^.]+$/, '');
