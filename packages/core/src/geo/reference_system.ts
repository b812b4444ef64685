/**
 * Reference systems, from the text that names or describes one: an EPSG code, or a definition in WKT, PROJJSON or
 * PROJ. proj4 does the mathematics, an offline table resolves the codes. Systems are compared by their effect on
 * coordinates, never by their names.
 */
import proj4 from 'proj4';
import { FormatError, reasonOf } from '../errors.ts';
import { epsgDefinition } from './epsg.ts';
import { isWkt, systemOfProjjson, systemOfWkt } from './wkt.ts';

type Projection = ReturnType<typeof proj4.Proj>;

export interface ReferenceSystem {
  readonly projection: Projection;
  /** Text that proj4 understands. */
  readonly definition: string;
  /** Longitude and latitude in degrees. */
  readonly isGeographic: boolean;
  /** Period of x, one turn round the Earth: 360 for degrees; undefined if x is not periodic. */
  readonly period: number | undefined;
  /** Inaccuracy of the shift of its datum to WGS 84, as a sentence without full stop. */
  readonly doubt: string | undefined;
  /** Ellipsoid and shift to WGS 84: systems of one datum part by no shift. */
  readonly datum: string;
}

/** Systems by their text: each is parsed once. */
const known = new Map<string, ReferenceSystem | { problem: string }>();
/** Maximum number of cached systems: a data set has few; a hostile one could have one for each pair. */
const MAX_KNOWN = 1000;

function find(crs: string): ReferenceSystem | { problem: string } {
  const before = known.get(crs);
  if (before) return before;
  if (known.size >= MAX_KNOWN) known.clear();
  const found = parse(crs);
  known.set(crs, found);
  return found;
}

/** Reason why a system is not supported; undefined if it is. */
export function crsProblem(crs: string): string | undefined {
  const found = find(crs);
  return 'problem' in found ? found.problem : undefined;
}

/** @param file that is named where the system is not understood. @throws FormatError */
export function referenceSystem(crs: string, file: string): ReferenceSystem {
  const found = find(crs);
  if (!('problem' in found)) return found;
  throw new FormatError({
    ...{ action: 'place on the ground', file, expected: 'a coordinate reference system that can be computed' },
    found: `"${crs.length > 80 ? `${crs.slice(0, 80)}…` : crs}" (${found.problem})`,
    remedy: `Warp it to another one: \`gdalwarp -t_srs EPSG:4326 ${file} OUT.tif\` (or its UTM zone, EPSG:326NN or EPSG:327NN).`,
  });
}

/** "EPSG:4326", "urn:ogc:def:crs:EPSG::4326", "http://www.opengis.net/def/crs/EPSG/0/4326", "+init=epsg:4326" */
const EPSG_NAME =
  /^(?:\+init=|urn:ogc:def:crs:|https?:\/\/www\.opengis\.net\/def\/crs\/)?epsg(?:[:/][\d.]*)?[:/](\d+)$/i;

function parse(crs: string): ReferenceSystem | { problem: string } {
  const text = crs.trim();
  const code = EPSG_NAME.exec(text)?.[1];
  const wkt = isWkt(text) ? systemOfWkt(text) : text.startsWith('{') ? systemOfProjjson(text) : undefined;
  if (wkt && 'problem' in wkt) return wkt;
  const definition = code === undefined ? wkt?.definition : epsgDefinition(code);
  if (EPSG_NAME.test(text) && definition === undefined) return { problem: 'no definition of this code is known' };
  const asked = definition ?? (/^(OGC:)?CRS84$/i.test(text) ? 'EPSG:4326' : text);
  const grid = /\+nadgrids=(?!@)(\S+)/.exec(asked)?.[1];
  if (grid !== undefined) return { problem: `it needs the grid file ${grid}` };
  try {
    return describe(proj4.Proj(withOrigin(asked)), withOrigin(asked));
  } catch (error) {
    const projection = /(?:PROJECTION|METHOD)\["([^"]+)"|\+proj=(\S+)/i.exec(asked);
    const name = projection?.[1] ?? projection?.[2];
    return {
      problem:
        name === undefined
          ? reasonOf(error).split('\n')[0]!.slice(0, 120)
          : `the projection ${name} cannot be computed`,
    };
  }
}

/** Writes out the zeros that PROJ takes for granted: without them, some of proj4's projections answer NaN. */
function withOrigin(text: string): string {
  const name = /^\+.*?\+?proj=(\S+)/.exec(text)?.[1];
  if (name === undefined || name === 'longlat' || name === 'utm') return text;
  const zeros = ['x_0', 'y_0', ...(/\+lonc=/.test(text) ? [] : ['lon_0']), ...(name === 'lcc' ? [] : ['lat_0'])];
  return [text, ...zeros.filter((each) => !text.includes(`+${each}=`)).map((each) => `+${each}=0`)].join(' ');
}

/** Fields of proj4's projections that are used here. */
interface Inside {
  projName?: string;
  axis?: string;
  long0?: number;
  a?: number;
  rf?: number;
  es?: number;
  datum?: { datum_type?: number; datum_params?: number[] };
}

/** Projections that proj4 computes for one figure of the Earth, whatever the system says. */
const FIXED_FIGURES: Record<string, { is(inside: Inside, definition: string): boolean; problem: string }> = {
  ortho: { is: ({ es }) => (es ?? 0) === 0, problem: 'an orthographic projection of an ellipsoid cannot be computed' },
  krovak: {
    is: (_, definition) => /\+ellps=bessel\b|\+a=6377397\.155\b/.test(definition), // proj4 sets the axes to Bessel's
    problem: 'Krovak on another ellipsoid than that of Bessel cannot be computed',
  },
  nzmg: {
    is: ({ a }) => a === 6378388,
    problem: 'the New Zealand map grid on another ellipsoid than the international one cannot be computed',
  },
};

/** Datum type of proj4: of unknown shift. */
const NO_DATUM = 5;
/** Shift of a datum in metres above which it is of the time before satellites. */
const LARGE_SHIFT = 5;

function describe(projection: Projection, definition: string): ReferenceSystem | { problem: string } {
  const inside = projection as Inside;
  const isGeographic = inside.projName === 'longlat';
  if (inside.projName === 'geocent' || inside.projName === 'identity') {
    return { problem: 'it is geocentric: x, y and z from the centre of the Earth' };
  }
  const limit = FIXED_FIGURES[inside.projName?.toLowerCase() ?? ''];
  if (limit && !limit.is(inside, definition)) return { problem: limit.problem };
  const axis = inside.axis ?? 'enu';
  if (/^[ns][ew]/.test(axis) && /[sw]/.test(axis.slice(0, 2))) return { problem: `axes that point ${axis}` };
  // Images have easting first whatever the system says; only where axes point west or south their signs turn.
  inside.axis = /[sw]/.test(axis.slice(0, 2)) ? axis : 'enu';
  const forward = (longitude: number, latitude: number) =>
    attempt(() => proj4.transform(proj4.Proj('WGS84'), projection, [longitude, latitude], true));
  const period = isGeographic ? 360 : periodOf(forward, ((inside.long0 ?? 0) * 180) / Math.PI);
  return { projection, definition, isGeographic, period, doubt: doubtOf(inside, definition), datum: datumOf(inside) };
}

function doubtOf({ datum, rf, a }: Inside, definition: string): string | undefined {
  if (definition.includes('+from_grid')) {
    return 'the shift of its datum to WGS 84 is the mean of a grid file that is not read, good to some 10 m';
  }
  if (definition.includes('+uncertain'))
    return 'the shift of its datum to WGS 84 varies within its area, by some 100 m';
  if (datum?.datum_type === NO_DATUM) {
    const isModern = a === undefined || (Math.abs(a - 6378137) < 1 && Math.abs((rf ?? 298.257) - 298.257) < 0.01);
    return isModern
      ? undefined
      : 'the shift of its datum to WGS 84 is not known and taken as none, which may be off by some 100 m';
  }
  return Math.hypot(...(datum?.datum_params ?? []).slice(0, 3)) > LARGE_SHIFT
    ? 'the shift of its datum to WGS 84 is one for its whole area, good to some 10 m'
    : undefined;
}

/** An ellipsoid by its name and by its axes differ in the last digits of the eccentricity. */
const datumOf = ({ a, es, datum }: Inside) =>
  [a, es?.toFixed(9), datum?.datum_type, ...(datum?.datum_params ?? [])].join(' ');

/**
 * Sentences that doubt the shift between two systems; none if they have one datum.
 *
 * @param files of each, for messages. @throws FormatError
 */
export function shiftDoubts(from: string, to: string, files: readonly [string, string]): string[] {
  const [source, target] = [referenceSystem(from, files[0]), referenceSystem(to, files[1])];
  if (source.datum === target.datum) return [];
  return [...new Set([source.doubt, target.doubt])].filter((doubt) => doubt !== undefined);
}

type Point = [x: number, y: number];

/** Width of the Earth in a projection whose meridians are parallel, evenly spaced lines. */
function periodOf(forward: (longitude: number, latitude: number) => Point, middle: number): number | undefined {
  const [[x0], [x30], [x60], [x30North, yNorth]] = [
    forward(middle, 0),
    forward(middle + 30, 0),
    forward(middle + 60, 0),
    forward(middle + 30, 40),
  ];
  const step = x30 - x0;
  const isEven = Math.abs(x60 - x30 - step) < 1e-6 * Math.abs(step) && Math.abs(x30North - x30) < 1e-6 * Math.abs(step);
  return isEven && Number.isFinite(step) && step !== 0 && Number.isFinite(yNorth) ? Math.abs(step) * 12 : undefined;
}

const NOWHERE: Point = [Number.NaN, Number.NaN];

function attempt(work: () => unknown): Point {
  try {
    const [x, y] = pair(work());
    return Number.isFinite(x) && Number.isFinite(y) ? [x, y] : NOWHERE;
  } catch {
    return NOWHERE; // outside the domain of a projection, proj4 throws or returns NaN
  }
}

function pair(point: unknown): Point {
  if (Array.isArray(point)) return point as Point;
  const { x, y } = (point ?? {}) as { x?: number; y?: number };
  return [x ?? Number.NaN, y ?? Number.NaN];
}

/** x, y → x, y; NaN for a point outside the domain of a projection. */
export type Transform = (x: number, y: number) => Point;

export const LON_LAT = 'EPSG:4326';

/**
 * @param from a reference system as a text. @param file that is named where one of them is not understood.
 * @throws FormatError
 */
export function transformBetween(from: string, to: string, file: string): Transform {
  const [source, target] = [referenceSystem(from, file), referenceSystem(to, file)];
  if (from === to) return (x, y) => [x, y];
  return (x, y) => {
    if (!Number.isFinite(x) || !Number.isFinite(y) || (source.isGeographic && Math.abs(y) > 90.000001)) return NOWHERE;
    return attempt(() => proj4.transform(source.projection, target.projection, { x, y }, true));
  };
}
