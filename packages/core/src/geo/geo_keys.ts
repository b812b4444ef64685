/**
 * Reference system described by the keys of a GeoTIFF, as a text with all its parameters: an EPSG code, the WKT of
 * Esri that GDAL writes where the keys cannot express a projection, or a PROJ string. Its citation
 * is a display name only: two systems called "unknown" are two systems (GeoTIFF 1.1, annex B and
 * requirement 21.4).
 */
import type { Georeference } from '../raster/raster.ts';
import { epsgDefinition } from './epsg.ts';
import { type Parameter, type ProjectionName, projectionText } from './projections.ts';

type Keys = Georeference['keys'];

const KEY = {
  ...{ model: 1024, citation: 1026, geographic: 2048, datum: 2050, meridian: 2051, geographicUnit: 2052 },
  ...{ angularUnit: 2054, angularUnitSize: 2055, ellipsoid: 2056, a: 2057, b: 2058, inverseFlattening: 2059 },
  ...{ meridianLongitude: 2061, toWgs84: 2062, projected: 3072, projectedCitation: 3073, projection: 3074 },
  ...{ method: 3075, unit: 3076, unitSize: 3077, azimuth: 3094, gridAngle: 3096, parallel1: 3078, parallel2: 3079 },
} as const;

/** Keys that hold one parameter under several names, in order of precedence. */
const PARAMETERS = {
  lon_0: [3095, 3084, 3088, 3080],
  lat_0: [3085, 3089, 3081],
  x_0: [3086, 3090, 3082],
  y_0: [3087, 3091, 3083],
  k_0: [3092, 3093],
} as const;

const USER_DEFINED = 32767;
const GEOCENTRIC = 3;

export interface KeySystem {
  /** Reference system; undefined if the keys name none. */
  crs?: string;
  /** Reason why the system cannot be used. */
  problem?: string;
}

export function systemOfKeys(keys: Keys): KeySystem {
  if (numberOf(keys, KEY.model) === GEOCENTRIC)
    return { problem: 'it is geocentric: x, y and z from the centre of the Earth' };
  const wkt = esriText(keys);
  if (wkt !== undefined) return { crs: wkt };
  const projected = numberOf(keys, KEY.projected);
  const geographic = numberOf(keys, KEY.geographic);
  if (projected !== undefined && projected !== 0 && projected !== USER_DEFINED) return byCode(keys, projected);
  if (projected === USER_DEFINED || keys.has(KEY.method)) return described(keys, 'projected');
  if (numberOf(keys, KEY.model) === 1) return keys.has(KEY.projection) ? described(keys, 'projected') : {};
  if (geographic === undefined || geographic === 0) return {};
  return geographic === USER_DEFINED ? described(keys, 'geographic') : { crs: `EPSG:${geographic}` };
}

function numberOf(keys: Keys, key: number): number | undefined {
  const value = keys.get(key);
  return typeof value === 'number' ? value : undefined;
}

function esriText(keys: Keys): string | undefined {
  for (const key of [KEY.projectedCitation, KEY.citation]) {
    const text = keys.get(key);
    const wkt =
      typeof text === 'string' &&
      /(?:^ESRI PE String\s*=\s*|^)((?:PROJCS|GEOGCS|PROJCRS|GEOGCRS|COMPD_CS|COMPOUNDCRS|BOUNDCRS)\[.*)$/s.exec(text);
    if (wkt) return wkt[1]!;
  }
  return undefined;
}

/** Reference system by code, unless the file uses another unit. */
function byCode(keys: Keys, code: number): KeySystem {
  const crs = `EPSG:${code}`;
  const definition = epsgDefinition(code);
  const unit = keys.has(KEY.unit) ? unitOf(keys) : undefined;
  if (definition === undefined || unit === undefined || typeof unit === 'string') return { crs };
  const own = ownUnit(definition);
  if (Math.abs(own / unit - 1) < 1e-5) return { crs };
  return { crs: `${definition.replace(/ \+(units|to_meter)=\S+/g, '')} +to_meter=${unit}` };
}

function ownUnit(definition: string): number {
  const factor = /\+to_meter=(\S+)/.exec(definition)?.[1];
  if (factor !== undefined) return Number(factor);
  return { 'us-ft': 1200 / 3937, ft: 0.3048, km: 1000 }[/\+units=(\S+)/.exec(definition)?.[1] ?? 'm'] ?? 1;
}

/** Reference system by its parameters. */
function described(keys: Keys, kind: 'projected' | 'geographic'): KeySystem {
  const angle = angleOf(keys);
  if (typeof angle === 'string') return { problem: angle };
  const earth = earthOf(keys, angle);
  if (earth === undefined) return { problem: 'neither its datum nor its ellipsoid is given' };
  if (kind === 'geographic') {
    if (angle !== 1) return { problem: 'its angles are no degrees' };
    return { crs: `+proj=longlat ${earth}` };
  }
  const unit = unitOf(keys);
  if (typeof unit === 'string') return { problem: unit };
  const projection = projectionOf(keys, angle, unit);
  if ('problem' in projection) return projection;
  return { crs: `${projection.text} ${earth}${unit === 1 ? '' : ` +to_meter=${unit}`}` };
}

/** Units of length by EPSG's code, in metres. */
const UNITS: Record<number, number> = {
  ...{ 9001: 1, 9002: 0.3048, 9003: 1200 / 3937, 9036: 1000, 9030: 1852, 9005: 0.3047972654, 9014: 1.8288 },
  ...{ 9041: 0.3047994715386762, 9096: 0.9144, 9084: 0.9143985307444408, 9031: 1.0000135965 },
};

/** Metres, or the reason why they are not known. */
function unitOf(keys: Keys): number | string {
  const code = numberOf(keys, KEY.unit) ?? 9001;
  const size = code === USER_DEFINED ? numberOf(keys, KEY.unitSize) : UNITS[code];
  return size !== undefined && size > 0 ? size : `its unit of length (${code}) is not known`;
}

/** Degrees, or the reason why they are not known. */
function angleOf(keys: Keys): number | string {
  const code = numberOf(keys, KEY.angularUnit) ?? 9102;
  const radian = 180 / Math.PI;
  if (code === USER_DEFINED)
    return (numberOf(keys, KEY.angularUnitSize) ?? Number.NaN) * radian || 'its unit of angles is not given';
  const degrees = { 9102: 1, 9122: 1, 9101: radian, 9105: 0.9, 9106: 0.9, 9103: 1 / 60, 9104: 1 / 3600 }[code];
  return degrees ?? `its unit of angles (${code}) is not known`;
}

/** Ellipsoids by EPSG's code, as PROJ calls them. */
const ELLIPSOIDS: Record<number, string> = {
  ...{
    7001: 'airy',
    7002: 'mod_airy',
    7003: 'aust_SA',
    7004: 'bessel',
    7006: 'bess_nam',
    7008: 'clrk66',
    7012: 'clrk80',
  },
  ...{ 7015: 'evrst30', 7019: 'GRS80', 7022: 'intl', 7024: 'krass', 7030: 'WGS84', 7036: 'GRS67', 7043: 'WGS72' },
  ...{ 7011: 'clrk80ign', 7035: 'sphere', 7048: 'sphere' },
};

/** Prime meridians by EPSG's code, in degrees: Paris, Ferro, Rome, Oslo, Bern, Madrid. */
const MERIDIANS: Record<number, number> = {
  ...{
    8903: 2.33722917,
    8909: -17.66666667,
    8906: 12.45233333,
    8913: 10.72291667,
    8907: 7.43958333,
    8905: -3.68793889,
  },
};

/** Ellipsoid, shift to WGS 84 and prime meridian, as PROJ parameters. */
function earthOf(keys: Keys, angle: number): string | undefined {
  const code = numberOf(keys, KEY.geographic);
  const datum = numberOf(keys, KEY.datum);
  // Of most datums, EPSG's code is that of the geographic system, 2000 higher.
  const codes = [
    code === USER_DEFINED ? undefined : code,
    datum !== undefined && datum !== USER_DEFINED ? datum - 2000 : undefined,
  ];
  const definition = codes
    .map((each) => each !== undefined && epsgDefinition(each))
    .find((each) => each && /^\+proj=longlat/.test(each));
  if (definition) return definition.replace('+proj=longlat ', '').replace(/ ?\+units=\S+/, '');
  const shift = keys.get(KEY.toWgs84);
  const ellipsoid = ellipsoidOf(keys);
  const meridian = numberOf(keys, KEY.meridianLongitude) ?? MERIDIANS[numberOf(keys, KEY.meridian) ?? 0] ?? 0;
  if (ellipsoid === undefined) return undefined;
  const toWgs84 = Array.isArray(shift) && shift.length >= 3 ? ` +towgs84=${shift.join(',')}` : '';
  return `${ellipsoid}${toWgs84}${meridian === 0 ? '' : ` +pm=${meridian * angle}`}`;
}

function ellipsoidOf(keys: Keys): string | undefined {
  const [a, b, rf] = [KEY.a, KEY.b, KEY.inverseFlattening].map((key) => numberOf(keys, key));
  if (a !== undefined && a > 0) {
    if (rf !== undefined && rf > 0) return `+a=${a} +rf=${rf}`;
    return `+a=${a} +b=${b !== undefined && b > 0 ? b : a}`;
  }
  const name = ELLIPSOIDS[numberOf(keys, KEY.ellipsoid) ?? 0];
  return name === undefined ? undefined : `+ellps=${name}`;
}

/** Methods of projection by the code of ProjMethodGeoKey. */
const METHODS: Record<number, ProjectionName> = {
  ...{ 1: 'tmerc', 3: 'omercOrigin', 7: 'merc', 8: 'lcc2', 9: 'lcc1', 10: 'laea', 11: 'aea', 12: 'aeqd', 13: 'eqdc' },
  ...{ 14: 'stere', 15: 'sterePole', 16: 'sterea', 17: 'eqc', 18: 'cass', 19: 'gnom', 20: 'mill', 21: 'ortho' },
  ...{ 22: 'poly', 23: 'robin', 24: 'sinu', 25: 'vandg', 26: 'nzmg', 27: 'tmercSouth', 28: 'cea', 9815: 'omercCentre' },
};

function projectionOf(keys: Keys, angle: number, unit: number): { text: string } | { problem: string } {
  const zone = numberOf(keys, KEY.projection) ?? USER_DEFINED;
  if (zone > 16000 && zone <= 16060) return { text: `+proj=utm +zone=${zone - 16000}` };
  if (zone > 16100 && zone <= 16160) return { text: `+proj=utm +zone=${zone - 16100} +south` };
  const code = numberOf(keys, KEY.method);
  if (code === undefined) {
    const found = zone === USER_DEFINED ? 'no method of projection' : `the conversion ${zone}`;
    return { problem: `its keys name ${found}, which is not known here` };
  }
  const method = METHODS[code];
  if (!method) return { problem: `its projection (method ${code}) cannot be computed` };
  const valueFor = (name: Parameter) => {
    // The latitude of a polar stereographic projection is that of true scale.
    const value = code === 15 && name === 'lat_ts' ? undefined : parameterOf(keys, name);
    const scale = name === 'k_0' ? 1 : name === 'x_0' || name === 'y_0' ? unit : angle;
    return value === undefined ? undefined : value * scale;
  };
  return { text: projectionText(method, valueFor) };
}

function parameterOf(keys: Keys, name: Parameter): number | undefined {
  const first = (codes: readonly number[]) =>
    codes.map((code) => numberOf(keys, code)).find((value) => value !== undefined);
  switch (name) {
    case 'lat_1':
    case 'lat_ts':
      return numberOf(keys, KEY.parallel1);
    case 'lat_2':
      return numberOf(keys, KEY.parallel2);
    case 'alpha':
      return numberOf(keys, KEY.azimuth);
    case 'gamma':
      return numberOf(keys, KEY.gridAngle);
    case 'lonc':
      return first(PARAMETERS.lon_0);
    default:
      return first(PARAMETERS[name]);
  }
}
