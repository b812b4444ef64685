/**
 * Writes `dist/epsg.js`: the definitions of EPSG's reference systems, one line each, from the package epsg-index (40 MB
 * with everything that is not needed here), and shifts of datums from PROJ where its own are wrong.
 *
 * Where parameters stand for a grid file, the definition says `+from_grid`; where they hold for a part of
 * its area only, `+uncertain`. Left out, so that a file in them is refused
 * instead of misplaced: systems that proj4 cannot project, angles in grads, axes that point south and west, and datums
 * whose shift is known as a grid file only.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import proj4 from 'proj4';

const require = createRequire(import.meta.url);
const all = require('epsg-index/all.json');
/** Shifts to WGS 84 by the code of the system or of its geographic one, in the place of those of epsg-index. */
const { shifts, uncertain } = require('./datum_shifts.json');
const isUncertain = new Set(uncertain);

const DEGREE = /^degree|^$/;
/** Kinds of reference systems that hold an image. */
const KINDS = new Set(['CRS-PROJCRS', 'CRS-GEOGCRS', 'CRS-GEOG3DCRS']);

/** Axes that point west and south, which neither definition says. */
const OTHER_AXES = new Set(['8044', '8045']);

const geographicCode = (wkt) =>
  /UNIT\["degree"[^[]*AUTHORITY\["EPSG","9122"\]\],AUTHORITY\["EPSG","(\d+)"\]\]/.exec(wkt)?.[1];

/** The definition in the language of PROJ, or undefined where it is not used. */
function definitionOf({ code, kind, proj4: text, wkt, unit }) {
  if (!text || !KINDS.has(kind)) return undefined;
  const isGeographic = text.includes('+proj=longlat');
  if (isGeographic && !DEGREE.test(unit ?? '')) return undefined;
  const pointsElsewhere = /AXIS\["[^"]*",(SOUTH|WEST)\]/.test(wkt) && !text.includes('+axis=');
  if (text.includes('+axis=swu') || pointsElsewhere || OTHER_AXES.has(code)) return undefined;
  const grid = /\+nadgrids=(?!@)("[^"]*"|\S+)[^+]*/.exec(text);
  const shift = shifts[code] ?? shifts[geographicCode(wkt)];
  if (grid && !shift) return undefined;
  const definition = (shift ? withShift(text, shift, grid?.[0]) : text)
    .replace(/ ?\+(no_defs|type=crs|wktext)\b/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (!canProject(definition)) return undefined;
  return isUncertain.has(code) ? `${definition} +uncertain` : definition;
}

/** @param grid words that name a grid file. */
function withShift(text, shift, grid) {
  const rest = (grid ? text.replace(grid, '') : text).replace(/ ?\+towgs84=\S+/, '');
  return `${rest} +towgs84=${shift}${grid ? ' +from_grid' : ''}`;
}

function canProject(definition) {
  try {
    proj4.Proj(definition);
    return true;
  } catch {
    return false;
  }
}

const lines = Object.entries(all).flatMap(([code, entry]) => {
  const definition = definitionOf(entry);
  return definition ? [`${code} ${definition}`] : [];
});
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
mkdirSync(dist, { recursive: true });
writeFileSync(`${dist}epsg.js`, `export const EPSG = ${JSON.stringify(lines.join('\n'))};\n`);
writeFileSync(
  `${dist}epsg.d.ts`,
  '/** Lines of a code and a definition in the language of PROJ. */\nexport declare const EPSG: string;\n',
);
