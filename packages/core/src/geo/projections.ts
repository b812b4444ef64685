/**
 * Projections that can be computed, in the language of PROJ, for every notation that names them: the keys of a GeoTIFF
 * and well-known text.
 */

export type Parameter =
  | 'lat_0'
  | 'lon_0'
  | 'x_0'
  | 'y_0'
  | 'k_0'
  | 'lat_1'
  | 'lat_2'
  | 'lat_ts'
  | 'alpha'
  | 'gamma'
  | 'lonc';

interface Projection {
  name: string;
  parameters: readonly Parameter[];
  /** Further PROJ parameters. */
  more?: string;
}

const PLAIN = ['lon_0', 'x_0', 'y_0'] as const;
const CENTRED = ['lat_0', ...PLAIN] as const;
const OBLIQUE = ['lat_0', 'lonc', 'alpha', 'gamma', 'k_0', 'x_0', 'y_0'] as const;

/** Projections by PROJ's names, and by variants where one name has several. */
export const PROJECTIONS = {
  tmerc: { name: 'tmerc', parameters: [...CENTRED, 'k_0'] },
  tmercSouth: { name: 'tmerc', parameters: [...CENTRED, 'k_0'], more: '+axis=wsu' },
  omercOrigin: { name: 'omerc', parameters: OBLIQUE, more: '+no_uoff' },
  omercCentre: { name: 'omerc', parameters: OBLIQUE },
  somerc: { name: 'somerc', parameters: [...CENTRED, 'k_0'] },
  merc: { name: 'merc', parameters: [...PLAIN, 'k_0', 'lat_ts'] },
  lcc2: { name: 'lcc', parameters: [...CENTRED, 'lat_1', 'lat_2', 'k_0'] },
  lcc1: { name: 'lcc', parameters: [...CENTRED, 'k_0'] },
  laea: { name: 'laea', parameters: CENTRED },
  aea: { name: 'aea', parameters: [...CENTRED, 'lat_1', 'lat_2'] },
  aeqd: { name: 'aeqd', parameters: CENTRED },
  eqdc: { name: 'eqdc', parameters: [...CENTRED, 'lat_1', 'lat_2'] },
  stere: { name: 'stere', parameters: [...CENTRED, 'k_0'] },
  sterePole: { name: 'stere', parameters: [...PLAIN, 'k_0'] },
  sterea: { name: 'sterea', parameters: [...CENTRED, 'k_0'] },
  eqc: { name: 'eqc', parameters: [...CENTRED, 'lat_ts'] },
  cass: { name: 'cass', parameters: CENTRED },
  gnom: { name: 'gnom', parameters: CENTRED },
  mill: { name: 'mill', parameters: PLAIN },
  ortho: { name: 'ortho', parameters: CENTRED },
  poly: { name: 'poly', parameters: CENTRED },
  robin: { name: 'robin', parameters: PLAIN },
  sinu: { name: 'sinu', parameters: PLAIN },
  moll: { name: 'moll', parameters: PLAIN },
  vandg: { name: 'vandg', parameters: PLAIN },
  eck6: { name: 'eck6', parameters: PLAIN },
  eqearth: { name: 'eqearth', parameters: PLAIN },
  cea: { name: 'cea', parameters: [...PLAIN, 'lat_ts'] },
  krovak: { name: 'krovak', parameters: [...CENTRED, 'alpha', 'k_0'] },
  nzmg: { name: 'nzmg', parameters: CENTRED },
} as const satisfies Record<string, Projection>;

export type ProjectionName = keyof typeof PROJECTIONS;

/** PROJ parameters of a projection. @param valueFor in degrees, metres and ratios; undefined for PROJ's default. */
export function projectionText(name: ProjectionName, valueFor: (parameter: Parameter) => number | undefined): string {
  const { name: proj, parameters, more }: Projection = PROJECTIONS[name];
  const words = parameters.flatMap((parameter) => {
    const value = valueFor(parameter);
    return value === undefined ? [] : [`+${parameter}=${value}`];
  });
  if (name === 'lcc1') words.push(`+lat_1=${valueFor('lat_0') ?? 0}`);
  if (name === 'sterePole') words.push(...polarWords(valueFor('lat_ts') ?? valueFor('lat_0') ?? 90));
  return [`+proj=${proj}`, ...words, ...(more ? [more] : [])].join(' ');
}

/** PROJ parameters of a polar stereographic projection: the pole, and the latitude of true scale if it is another. */
function polarWords(latitude: number): string[] {
  const pole = latitude < 0 ? -90 : 90;
  return [`+lat_0=${pole}`, ...(Math.abs(latitude) === 90 ? [] : [`+lat_ts=${latitude}`])];
}
