/** Well-known text against GDAL's reading of it: `test/fixtures/gdal_wkt.json` says how it was got. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { crsProblem, referenceSystem, transformBetween } from '../../../packages/core/src/geo/reference_system.ts';
import { isWkt, systemOfWkt } from '../../../packages/core/src/geo/wkt.ts';
import { parseWkt } from '../../../packages/core/src/geo/wkt_tree.ts';

type System = { name: string; wkt: string } & (
  | { x: number; y: number; at: [number, number]; doubted?: true }
  | { refused: string }
);
const { systems }: { systems: System[] } = JSON.parse(
  readFileSync(new URL('../../fixtures/gdal_wkt.json', import.meta.url), 'utf8'),
);

it.each(systems)('$name', (system) => {
  if ('refused' in system) return expect(crsProblem(system.wkt)).toBe(system.refused);
  const [longitude, latitude] = transformBetween(system.wkt, 'EPSG:4326', 'test')(system.x, system.y);
  const turned = ((longitude - system.at[0] + 540) % 360) - 180;
  const metres = 111_195 * Math.hypot(turned * Math.cos((latitude * Math.PI) / 180), latitude - system.at[1]);
  expect(metres).toBeLessThan(system.doubted ? 20 : 0.05);
  expect(referenceSystem(system.wkt, 'test').doubt !== undefined).toBe(system.doubted ?? false);
});

const GEOGCS =
  'GEOGCS["a",DATUM["b",SPHEROID["c",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]';

describe('refused', () => {
  it.each([
    ['LOCAL_CS["a",UNIT["metre",1]]', /LOCAL_CS is no system of the ground/],
    [`PROJCS["a",${GEOGCS},PROJECTION["Nonsense"],UNIT["metre",1]]`, /Nonsense cannot be computed/],
    [`PROJCS["a",${GEOGCS},PROJECTION["Mercator"],PARAMETER["Odd_Thing",1],UNIT["metre",1]]`, /oddthing is not known/],
    ['PROJCS["a",PROJECTION["Mercator"],UNIT["metre",1]]', /ellipsoid is not given/],
    ['COMPD_CS["a",VERT_CS["b"]]', /no horizontal part/],
    ['PROJCS["a"', /damaged/],
    ['PROJCS[', /damaged/],
    [`${'A['.repeat(100)}${']'.repeat(100)}`, /damaged/],
  ])('%s', (text, problem) => {
    expect(systemOfWkt(text)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

it.each([
  '{',
  '{"type":"GeographicCRS"}',
  '{"type":"ProjectedCRS","conversion":{}}',
  '{"type":"Odd"}',
  '{}',
  '{"type":1}',
])('refuses the JSON %s', (text) => {
  expect(crsProblem(text)).toMatch(/damaged|not given|no system/);
});

it('reads brackets and parentheses, quotes in quotes, and numbers of every form', () => {
  expect(parseWkt('A("b ""c""", -1.5e-3,.5 ,\n D[+2],north)')).toEqual({
    name: 'A',
    values: ['b "c"', -0.0015, 0.5, { name: 'D', values: [2] }, 'north'],
  });
});

it('tells well-known text from other names', () => {
  expect(['PROJCS["a"]', 'geogcrs ["a"]', 'EPSG:4326', '+proj=longlat', '{"type":"x"}'].map(isWkt)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
