/**
 * Makes a pair of scenes of the size of a Sentinel-2 tile out of a folder of small ones, to try `doppel register` on it:
 * tiles lie in a grid, SAR and optical alike, and the optical mosaic is then displaced by a known affine map.
 *
 *     npm run build && node scripts/make_mosaic.mjs ../shared/data/sentinel /tmp/mosaic [--side 10980]
 *
 * Writes sar.tif, optical.tif and truth.json, whose matrix maps pixels of the optical file to pixels of the SAR file.
 * Tiles keep what they are off by themselves, some pixels in places.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { geoTags } from '../packages/core/dist/geo/geo_tags.js';
import { openPlaced } from '../packages/core/dist/geo/place.js';
import { FileStore } from '../packages/core/dist/node.js';
import { writeCog } from '../packages/core/dist/raster/cog_writer.js';
import { inverted, similarityAbout } from '../packages/core/dist/registration/pixel_affine.js';
import { sourceWindow, warped } from '../packages/core/dist/registration/warp.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { side: { type: 'string', default: '10980' } },
});
const [source, target] = positionals;
if (!target) {
  console.error('usage: node scripts/make_mosaic.mjs FOLDER-OF-SCENES FOLDER [--side PIXELS]');
  process.exit(2);
}
const side = Number(values.side);
const TILE = 1024;
const CRS = 'EPSG:32611';
const PLACE = [399960, 10, 0, 3800040, 0, -10];
/** SAR pixel → optical pixel. */
const DISPLACEMENT = similarityAbout([side / 2, side / 2], { column: 23.4, row: -17.8, rotation: 0.05, scale: 1.0005 });

const store = new FileStore();
mkdirSync(target, { recursive: true });
const names = readdirSync(join(source, 'sar')).filter((name) => name.endsWith('.tif'));
const across = Math.ceil(side / TILE);

await writeMosaic('sar', 1, (read) => read);
await writeMosaic('optical', 3, (read) => async (window) => {
  const toMosaic = inverted(DISPLACEMENT);
  const from = sourceWindow(window, toMosaic);
  const raster = warped(await read(from), from, window, toMosaic);
  return { ...raster, data: raster.data.map((each) => Math.min(255, Math.max(0, each))) };
});
const [a, b, c, d, e, f] = inverted(DISPLACEMENT);
const matrix = [
  [b, c, a],
  [e, f, d],
  [0, 0, 1],
];
writeFileSync(join(target, 'truth.json'), `${JSON.stringify({ matrix, side, tiles: names.length }, null, 1)}\n`);

async function writeMosaic(sensor, bands, through) {
  const files = await Promise.all(names.map((name) => openPlaced(store, join(source, sensor, name))));
  const read = through((window) => mosaicWindow(files, window, bands));
  const image = { width: side, height: side, bands, type: 'uint8', isRgb: bands === 3 };
  const place = geoTags(CRS, PLACE, sensor);
  await writeCog(store, join(target, `${sensor}.tif`), { ...image, place }, async (window) => {
    const { data, noData } = await read(window);
    return { data, missing: noData };
  });
  await Promise.all(files.map((file) => file.close()));
  console.log(join(target, `${sensor}.tif`));
}

/** A window of the mosaic, which may leave it. */
async function mosaicWindow(files, { column, row, width, height }, bands) {
  const data = new Float32Array(width * height * bands);
  const noData = new Uint8Array(width * height).fill(1);
  for (let v = Math.max(0, Math.floor(row / TILE)); v * TILE < Math.min(side, row + height); v++) {
    for (let u = Math.max(0, Math.floor(column / TILE)); u * TILE < Math.min(side, column + width); u++) {
      const part = {
        ...between(column, column + width, u, 'column', 'width'),
        ...between(row, row + height, v, 'row', 'height'),
      };
      const tile = await files[(v * across + u) % files.length].read(part);
      for (let y = 0; y < part.height; y++) {
        const to = (v * TILE + part.row + y - row) * width + u * TILE + part.column - column;
        data.set(tile.data.subarray(y * part.width * bands, (y + 1) * part.width * bands), to * bands);
        noData.fill(0, to, to + part.width);
      }
    }
  }
  return { data, noData, width, height, bands, unit: 'digital number' };
}

/** The part of a range that lies in a tile, from the tile's corner. */
function between(from, end, tile, start, length) {
  const [low, high] = [Math.max(from, tile * TILE), Math.min(end, (tile + 1) * TILE, side)];
  return { [start]: low - tile * TILE, [length]: high - low };
}
