/**
 * Writes `dist/epsg.js`: the definitions of EPSG's reference systems, one line each, from the package epsg-index (40 MB
 * with everything that is not needed here).
 *
 * Where parameters stand for a grid file, the definition says `+from_grid`. Left out, so that a file in them is refused instead of misplaced: what proj4 cannot project, angles in grads, axes that
 * point south and west, and shifts of datum that are known as grid files only and have no parameters below.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import proj4 from 'proj4';

const all = createRequire(import.meta.url)('epsg-index/all.json');

/**
 * Shifts to WGS 84 in the place of grid files, by the code of the geographic system: those of EPSG's registry that hold for
 * the whole datum, good to about 10 m (NAD27, AGD84) or better.
 */
const SHIFTS = {
  4267: '-8,160,176',
  4272: '59.47,-5.04,187.44,0.47,-0.1,1.024,-4.5993',
  4203: '-134,-48,149',
  4225: '-206.05,168.28,-3.82',
  4277: '446.448,-125.157,542.06,0.15,0.247,0.842,-20.489',
  4314: '598.1,73.7,418.2,0.202,0.045,-2.455,6.7',
  4746: '599.4,72.4,419.2,-0.062,-0.022,-2.723,6.46',
  4745: '612.4,77,440.2,-0.054,0.057,-2.797,2.55',
};
const DEGREE = /^degree|^$/;
/** Kinds of reference systems that hold an image. */
const KINDS = new Set(['CRS-PROJCRS', 'CRS-GEOGCRS', 'CRS-GEOG3DCRS']);

const geographicCode = (wkt) =>
  /UNIT\["degree"[^[]*AUTHORITY\["EPSG","9122"\]\],AUTHORITY\["EPSG","(\d+)"\]\]/.exec(wkt)?.[1];

/** The definition in the language of PROJ, or undefined where it is not used. */
function definitionOf({ kind, proj4: text, wkt, unit }) {
  if (!text || !KINDS.has(kind)) return undefined;
  const isGeographic = text.includes('+proj=longlat');
  if (isGeographic && !DEGREE.test(unit ?? '')) return undefined;
  const pointsElsewhere = /AXIS\["[^"]*",(SOUTH|WEST)\]/.test(wkt) && !text.includes('+axis=');
  if (text.includes('+axis=swu') || pointsElsewhere) return undefined;
  const grid = /\+nadgrids=(?!@)("[^"]*"|\S+)[^+]*/.exec(text);
  const shift = grid && SHIFTS[geographicCode(wkt)];
  if (grid && !shift) return undefined;
  const rotations = /\+towgs84=([^ ]+)/.exec(text)?.[1].split(',').slice(3, 6).map(Number) ?? [];
  if (rotations.some((angle) => Math.abs(angle) > 60)) return undefined; // no small angles, as the formula wants
  const definition = (grid ? text.replace(grid[0], `+towgs84=${shift} +from_grid `) : text)
    .replace(/ ?\+(no_defs|type=crs|wktext)\b/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return canProject(definition) ? definition : undefined;
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
