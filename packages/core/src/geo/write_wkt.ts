/**
 * Well-known text (WKT 1, as GDAL writes it) of a reference system, for formats that demand one. Systems that GDAL's
 * WKT has no method for are passed on as PROJ strings inside it.
 */
import { epsgDefinition } from './epsg.ts';
import { referenceSystem } from './reference_system.ts';

/** @returns one line; the root holds the EPSG code where there is one. @throws FormatError where the system is not understood. */
export function wktOf(crs: string): string {
  if (/^[A-Z]+CRS\[|^(PROJCS|GEOGCS)\[/.test(crs.trim())) return crs.replace(/\s*\n\s*/g, '').trim();
  const code = /^EPSG:(\d+)$/i.exec(crs.trim())?.[1];
  const { projection, isGeographic } = referenceSystem(crs, crs);
  const proj = code === undefined ? crs : epsgDefinition(code)!;
  const parameters = parametersOf(crs);
  const datum = datumOf(parameters, projection as Ellipsoid);
  if (isGeographic) return geographic(datum, code);
  const name = projectedName(parameters, datum, code);
  return `PROJCS[${[quoted(name), geographic(datum, datum.code), ...projected(parameters, proj), ...id(code)].join(',')}]`;
}

type Parameters = ReadonlyMap<string, string>;

/** Fields of proj4's projections that are used here. */
interface Ellipsoid {
  a?: number;
  b?: number;
  datum?: { datum_params?: readonly number[] };
}

/** Parameters of a PROJ string, or of the one that an EPSG code stands for; none for other texts. */
export function parametersOf(crs: string): Parameters {
  const code = /^EPSG:(\d+)$/i.exec(crs.trim())?.[1];
  const proj = code === undefined ? crs : (epsgDefinition(code) ?? '');
  return new Map([...proj.matchAll(/\+(\w+)(?:=(\S+))?/g)].map(([, key, value]) => [key!, value ?? '']));
}

interface Datum {
  name: string;
  text: string;
  code?: string;
}

const WGS84: Datum = {
  name: 'WGS 84',
  text: 'DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]]',
  code: '4326',
};

function datumOf(parameters: Parameters, { a = 6378137, b = 6356752.314245179, datum }: Ellipsoid): Datum {
  if (parameters.get('datum') === 'WGS84') return WGS84;
  const flattening = a === b ? 0 : a / (a - b);
  const stated = parameters.get('towgs84')?.split(',').map(Number);
  const shift = stated ?? datum?.datum_params?.slice(0, 3);
  const text = shift?.length ? `,TOWGS84[${Array.from({ length: 7 }, (_, i) => shift[i] ?? 0).join(',')}]` : '';
  return { name: 'unknown', text: `DATUM["unknown",SPHEROID["unknown",${a},${flattening}]${text}]` };
}

const id = (code: string | undefined) => (code === undefined ? [] : [`AUTHORITY["EPSG","${code}"]`]);
const quoted = (text: string) => `"${text.replaceAll('"', "'")}"`;

function geographic(datum: Datum, code: string | undefined): string {
  const meridian = 'PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]]';
  const unit = 'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]]';
  return `GEOGCS[${[quoted(datum.name), datum.text, meridian, unit, ...id(code)].join(',')}]`;
}

function projectedName(parameters: Parameters, datum: Datum, code: string | undefined): string {
  const zone = parameters.get('zone');
  if (zone === undefined) return code === undefined ? 'unknown' : `EPSG:${code}`;
  return `${datum.name} / UTM zone ${zone}${parameters.has('south') ? 'S' : 'N'}`;
}

/** Names of parameters, with the PROJ parameter and its default. */
type Names = readonly (readonly [name: string, proj: string, otherwise: number])[];

const FALSE: Names = [
  ['false_easting', 'x_0', 0],
  ['false_northing', 'y_0', 0],
];

/** Methods of GDAL's WKT by their PROJ name. */
const METHODS: Readonly<Record<string, { name: string; parameters: Names }>> = {
  tmerc: {
    name: 'Transverse_Mercator',
    parameters: [
      ['latitude_of_origin', 'lat_0', 0],
      ['central_meridian', 'lon_0', 0],
      ['scale_factor', 'k', 1],
      ...FALSE,
    ],
  },
  merc: { name: 'Mercator_1SP', parameters: [['central_meridian', 'lon_0', 0], ['scale_factor', 'k', 1], ...FALSE] },
  lcc: {
    name: 'Lambert_Conformal_Conic_2SP',
    parameters: [
      ...([
        ['standard_parallel_1', 'lat_1', 0],
        ['standard_parallel_2', 'lat_2', 0],
      ] as const),
      ...([
        ['latitude_of_origin', 'lat_0', 0],
        ['central_meridian', 'lon_0', 0],
      ] as const),
      ...FALSE,
    ],
  },
  laea: {
    name: 'Lambert_Azimuthal_Equal_Area',
    parameters: [['latitude_of_center', 'lat_0', 0], ['longitude_of_center', 'lon_0', 0], ...FALSE],
  },
  stere: {
    name: 'Polar_Stereographic',
    parameters: [
      ['latitude_of_origin', 'lat_ts', 90],
      ['central_meridian', 'lon_0', 0],
      ['scale_factor', 'k', 1],
      ...FALSE,
    ],
  },
};

/** Parameters that the methods above cannot say, by which a system is passed on as a PROJ string. */
function isPlain(parameters: Parameters): boolean {
  const method = parameters.get('proj')!;
  const unit = parameters.get('units') ?? 'm';
  const meridian = parameters.get('pm') ?? '0';
  if (unit !== 'm' || parameters.has('to_meter') || Number(meridian) !== 0 || parameters.has('nadgrids')) return false;
  if (method === 'merc') return Number(parameters.get('lat_ts') ?? 0) === 0;
  if (method === 'lcc') return parameters.has('lat_2');
  if (method === 'stere') return Math.abs(Number(parameters.get('lat_0'))) === 90 && parameters.has('lat_ts');
  return METHODS[method] !== undefined;
}

const METRE = 'UNIT["metre",1,AUTHORITY["EPSG","9001"]]';

function projected(parameters: Parameters, proj: string): string[] {
  const utm = parameters.get('zone');
  const known = utm === undefined ? parameters : utmParameters(Number(utm), parameters.has('south'));
  if (!isPlain(known)) return ['PROJECTION["custom_proj4"]', METRE, `EXTENSION["PROJ4",${quoted(proj)}]`];
  const method = METHODS[known.get('proj')!]!;
  const values = method.parameters.map(([name, key, otherwise]) => {
    const value = known.get(key) ?? (key === 'k' ? known.get('k_0') : undefined) ?? otherwise;
    return `PARAMETER["${name}",${Number(value)}]`;
  });
  const isPolar = method.name === 'Polar_Stereographic';
  const axes = isPolar ? [] : ['AXIS["Easting",EAST]', 'AXIS["Northing",NORTH]'];
  return [`PROJECTION["${method.name}"]`, ...values, METRE, ...axes];
}

const utmParameters = (zone: number, isSouth: boolean): Parameters =>
  new Map([
    ...([
      ['proj', 'tmerc'],
      ['lon_0', String(zone * 6 - 183)],
      ['k', '0.9996'],
      ['x_0', '500000'],
    ] as const),
    ['y_0', isSouth ? '10000000' : '0'],
  ]);
