/**
 * Reads well-known text (OGC 01-009 as GDAL and Esri write it, ISO 19162) as a PROJ string with all its parameters: what
 * is not understood is refused, since a parameter passed over moves images by kilometres.
 */
import { epsgDefinition } from './epsg.ts';
import { type Parameter, type ProjectionName, projectionText } from './projections.ts';
import { parseProjjson } from './projjson.ts';
import { childOf, isNode, numbersOf, parseWkt, type WktNode } from './wkt_tree.ts';

/** Reference system in the language of PROJ, or the reason why it cannot be used. */
export type WktSystem = { definition: string } | { problem: string };

const GEOGRAPHIC = ['GEOGCS', 'GEOGCRS', 'GEODCRS', 'GEODETICCRS', 'GEOGRAPHICCRS'];
const PROJECTED = ['PROJCS', 'PROJCRS', 'PROJECTEDCRS'];
const BASES = ['GEOGCS', 'BASEGEOGCRS', 'BASEGEODCRS'];
const COMPOUND = ['COMPD_CS', 'COMPOUNDCRS'];

export const isWkt = (text: string): boolean => /^[A-Z_]+\s*[[(]/i.test(text);

export function systemOfWkt(text: string): WktSystem {
  const root = parseWkt(text);
  return root ? systemOf(root) : { problem: 'its well-known text is damaged' };
}

export function systemOfProjjson(text: string): WktSystem {
  const root = parseProjjson(text);
  return root ? systemOf(root) : { problem: 'its JSON is damaged' };
}

function systemOf(node: WktNode): WktSystem {
  const { name } = node;
  if (COMPOUND.includes(name)) return withinCompound(node);
  if (name === 'BOUNDCRS') return bound(node);
  if (name === 'GEOCCS' || (childOf(node, 'CS')?.values[0] === 'Cartesian' && GEOGRAPHIC.includes(name))) {
    return { problem: 'it is geocentric: x, y and z from the centre of the Earth' };
  }
  if (childOf(node, 'DERIVINGCONVERSION'))
    return { problem: 'it is derived from another one, by a turned pole or the like' };
  const isProjected = PROJECTED.includes(name);
  if (!isProjected && !GEOGRAPHIC.includes(name)) return { problem: `${name} is no system of the ground` };
  const definition = epsgDefinition(codeOf(node) ?? -1);
  if (definition !== undefined) return { definition };
  const extension = node.values.find((each) => isNode(each) && each.name === 'EXTENSION' && each.values[0] === 'PROJ4');
  if (isNode(extension)) return { definition: String(extension.values[1]) };
  return isProjected ? projected(node) : geographic(node);
}

/** The horizontal part: heights are not looked at. */
function withinCompound(node: WktNode): WktSystem {
  const horizontal = node.values.find(
    (each) => isNode(each) && [...GEOGRAPHIC, ...PROJECTED, 'BOUNDCRS'].includes(each.name),
  );
  return isNode(horizontal) ? systemOf(horizontal) : { problem: 'it has no horizontal part' };
}

/** A system with its shift to WGS 84. */
function bound(node: WktNode): WktSystem {
  const [source, target, shift] = ['SOURCECRS', 'TARGETCRS', 'ABRIDGEDTRANSFORMATION'].map((name) =>
    childOf(node, name),
  );
  const [inner, to] = [source, target].map((each) => each?.values.find(isNode));
  if (!inner || !to || !shift) return { problem: 'its shift of datum is not complete' };
  const system = systemOf(inner);
  if ('problem' in system || codeOf(inner) !== undefined) return system;
  const toWgs84 = systemOf(to);
  const isWgs84 =
    'definition' in toWgs84 &&
    /^\+proj=longlat (\+datum=WGS84|\+a=6378137 \+rf=298\.257223563)/.test(toWgs84.definition);
  const values = new Map(parametersOf(shift).map(({ name, value }) => [name, value]));
  const words = SHIFTS.map((name) => values.get(name));
  if (!isWgs84 || words[0] === undefined) return { problem: 'its shift of datum is none to WGS 84 by parameters' };
  const given = words.map((value) => value ?? 0);
  const bare = system.definition.replace(/ ?\+towgs84=\S+/, '').replace('+datum=WGS84', '+ellps=WGS84');
  return {
    definition: `${bare} +towgs84=${(words[3] === undefined ? given.slice(0, 3) : [...given.slice(0, 6), scaleOf(given[6]!)]).join(',')}`,
  };
}

/** A difference of scale as GDAL writes it: 1.000001 stands for one part in a million. */
const scaleOf = (value: number) => (Math.abs(value - 1) < 0.01 ? Number(((value - 1) * 1e6).toPrecision(9)) : value);

const SHIFTS = [
  'xaxistranslation',
  'yaxistranslation',
  'zaxistranslation',
  'xaxisrotation',
  'yaxisrotation',
  'zaxisrotation',
  'scaledifference',
];

function geographic(node: WktNode): WktSystem {
  const unit = unitOf(node, 'angle');
  if (Math.abs(unit - DEGREE) > 1e-9) return { problem: 'its angles are no degrees' };
  const earth = earthOf(node);
  return earth === undefined
    ? { problem: 'its ellipsoid is not given' }
    : { definition: `+proj=longlat ${earth.text}` };
}

function projected(node: WktNode): WktSystem {
  const base = BASES.map((name) => childOf(node, name)).find(Boolean);
  const earth = base && earthOf(base);
  if (!base || !earth) return { problem: 'its ellipsoid is not given' };
  const conversion = childOf(node, 'CONVERSION') ?? node;
  const method = String((childOf(conversion, 'METHOD') ?? childOf(conversion, 'PROJECTION'))?.values[0]);
  const found = NAMES[plain(method)];
  if (!found) return { problem: `the projection ${method} cannot be computed` };
  const [angle, length] = [unitOf(base, 'angle'), unitOf(node, 'length')];
  const given = new Map<Parameter, number>();
  for (const { name, value, factor, isAngle } of parametersOf(conversion, { angle, length })) {
    const parameter = PARAMETERS[name];
    if (parameter === undefined) return { problem: `its parameter ${name} is not known` };
    if (name === 'xscale' && value > 0) return { problem: 'axes that point south and west' }; // Krovak, by Esri
    if (parameter !== 'none') given.set(parameter, isAngle ? (value * factor) / DEGREE : value * factor);
  }
  const elsewhere = axesElsewhere(node, found);
  if (elsewhere !== undefined) return { problem: `axes that point ${elsewhere}` };
  if (found === 'pseudo') return pseudoMercator(given, earth, length);
  const projection = variantOf(found, given);
  const text = projectionText(projection, (parameter) => givenValue(given, parameter, projection));
  return { definition: `${text} ${earth.text}${length === 1 ? '' : ` +to_meter=${length}`}` };
}

const isRight = (angle: number | undefined) => angle !== undefined && Math.abs(angle - 90) < 1e-9;

/** The variant of a projection that its parameters ask for. */
function variantOf(name: ProjectionName, given: ReadonlyMap<Parameter, number>): ProjectionName {
  if (name === 'lcc2' && !given.has('lat_2')) return given.has('lat_1') ? 'lcc2' : 'lcc1';
  if (name === 'omercCentre' && isRight(given.get('alpha')) && isRight(given.get('gamma') ?? 90)) return 'somerc';
  return name;
}

function givenValue(given: ReadonlyMap<Parameter, number>, parameter: Parameter, projection: ProjectionName) {
  const value = given.get(parameter);
  if (value !== undefined) return value;
  if (parameter === 'lonc') return given.get('lon_0');
  // One standard parallel is that of true scale, where a projection has no two.
  if (parameter === 'lat_ts') return given.get('lat_1');
  if (parameter === 'gamma') return given.get('alpha');
  return parameter === 'lat_2' && projection === 'lcc2' ? given.get('lat_1') : undefined;
}

/** Web Mercator: the sphere's formula with longitudes and latitudes of an ellipsoid. */
function pseudoMercator(given: ReadonlyMap<Parameter, number>, { a }: Earth, length: number): WktSystem {
  const [lon, x, y] = (['lon_0', 'x_0', 'y_0'] as const).map((name) => given.get(name) ?? 0);
  const unit = length === 1 ? '' : ` +to_meter=${length}`;
  return {
    definition: `+proj=merc +a=${a} +b=${a} +lat_ts=0 +lon_0=${lon} +x_0=${x} +y_0=${y} +k=1${unit} +nadgrids=@null`,
  };
}

interface Earth {
  /** Ellipsoid, shift to WGS 84 and prime meridian, as PROJ parameters. */
  text: string;
  a: number;
}

function earthOf(node: WktNode): Earth | undefined {
  const datum = ['DATUM', 'GEODETICDATUM', 'TRF', 'ENSEMBLE'].map((name) => childOf(node, name)).find(Boolean);
  const ellipsoid = datum && (childOf(datum, 'SPHEROID') ?? childOf(datum, 'ELLIPSOID'));
  const [size, rf] = ellipsoid ? numbersOf(ellipsoid) : [];
  if (!datum || !ellipsoid || size === undefined || rf === undefined || !(size > 0)) return undefined;
  const a = size * (numbersOf(childOf(ellipsoid, 'LENGTHUNIT') ?? { name: '', values: [1] })[0] ?? 1);
  const known = knownEarth(node, datum, a);
  if (known !== undefined) return { text: known, a };
  const shape = rf > 0 ? `+a=${a} +rf=${rf}` : `+a=${a} +b=${a}`;
  const shift = childOf(datum, 'TOWGS84');
  const meridian = meridianOf(node);
  return {
    a,
    text: `${shape}${shift ? ` +towgs84=${numbersOf(shift).join(',')}` : ''}${meridian === 0 ? '' : ` +pm=${meridian}`}`,
  };
}

/** A datum that EPSG's table has: with its shift, which the text seldom holds. */
function knownEarth(node: WktNode, datum: WktNode, a: number): string | undefined {
  if (childOf(datum, 'TOWGS84')) return undefined;
  const own = codeOf(datum);
  // Of most datums, EPSG's code is that of the geographic system, 2000 higher.
  const byName = DATUMS[plain(String(datum.values[0]).replace(/^D_/i, ''))];
  for (const code of [codeOf(node), own === undefined ? undefined : own - 2000, byName]) {
    const definition = code === undefined ? undefined : epsgDefinition(code);
    if (definition === undefined || !definition.startsWith('+proj=longlat ')) continue;
    const words = definition.replace('+proj=longlat ', '').replace(/ ?\+(units|pm)=\S+/g, '');
    const meridian = meridianOf(node);
    if (a > 6.35e6) return meridian === 0 ? words : `${words} +pm=${meridian}`;
  }
  return undefined;
}

/** EPSG's geographic systems by the names that Esri gives to their datums, for Esri writes no codes. */
const DATUMS: Record<string, number> = {
  ...{ wgs1984: 4326, wgs1972: 4322, northamerican1927: 4267, northamerican1983: 4269, etrs1989: 4258 },
  ...{ amersfoort: 4289, osgb1936: 4277, deutscheshauptdreiecksnetz: 4314, european1950: 4230, pulkovo1942: 4284 },
  ...{
    ntf: 4275,
    nouvelletriangulationfrancaiseparis: 4275,
    sjtsk: 4156,
    mgi: 4312,
    ch1903: 4149,
    'ch1903+': 4150,
    tokyo: 4301,
    southamerican1969: 4618,
  },
  ...{ belge1972: 4313, montemario: 4265, beijing1954: 4214, kkj: 4123, rt90: 4124, tm65: 4299, hungarian1972: 4237 },
  ...{ ggrs1987: 4121, dealul1970: 4316, hongkong1980: 4611, gda1994: 4283, gda2020: 7844, nzgd2000: 4167 },
  ...{ xian1980: 4610, china2000: 4490, jgd2000: 4612, jgd2011: 6668, sirgas2000: 4674, newzealand1949: 4272 },
};

/** Degrees east of Greenwich. In texts of the first version they are degrees whatever the unit of the system. */
function meridianOf(node: WktNode): number {
  const meridian = childOf(node, 'PRIMEM') ?? childOf(node, 'PRIMEMERIDIAN');
  const value = meridian && numbersOf(meridian)[0];
  if (!meridian || !value) return 0;
  const unit = childOf(meridian, 'ANGLEUNIT') ?? childOf(meridian, 'UNIT');
  return unit ? (value * numbersOf(unit)[0]!) / DEGREE : value;
}

const DEGREE = Math.PI / 180;

/** Radians or metres. */
function unitOf(node: WktNode, kind: 'angle' | 'length'): number {
  const words = kind === 'angle' ? ['ANGLEUNIT', 'UNIT'] : ['LENGTHUNIT', 'UNIT'];
  const holders = [node, ...node.values.filter((each) => isNode(each) && each.name === 'AXIS')];
  for (const holder of holders) {
    for (const word of words) {
      const unit = isNode(holder) ? childOf(holder, word) : undefined;
      const size = unit && numbersOf(unit)[0];
      if (size !== undefined && size > 0) return size;
    }
  }
  return kind === 'angle' ? DEGREE : 1;
}

interface GivenParameter {
  /** Name in small letters and digits. */
  name: string;
  value: number;
  /** Radians, metres or 1. */
  factor: number;
  isAngle: boolean;
}

/** @param units of parameters that name none. */
function parametersOf(node: WktNode, units = { angle: DEGREE, length: 1 }): GivenParameter[] {
  return node.values.flatMap((each) => {
    if (!isNode(each) || each.name !== 'PARAMETER') return [];
    const name = plain(String(each.values[0]));
    const [value] = numbersOf(each);
    if (value === undefined) return [];
    const own = ['ANGLEUNIT', 'LENGTHUNIT', 'SCALEUNIT'].map((word) => childOf(each, word));
    const isLength = own[1] !== undefined || /easting|northing/.test(name);
    const isAngle = !isLength && !own[2] && !/scale|auxiliary/.test(name);
    const given = own.find(Boolean);
    const factor = given ? numbersOf(given)[0]! : isAngle ? units.angle : isLength ? units.length : 1;
    return [{ name, value, factor, isAngle }];
  });
}

/** Directions of axes that point west or south; undefined where they do not, or where a projection has them so. */
function axesElsewhere(node: WktNode, projection: ProjectionName | 'pseudo'): string | undefined {
  const axes = node.values.filter((each): each is WktNode => isNode(each) && each.name === 'AXIS');
  const directions = axes.map(({ values }) => String(values[1]).toLowerCase()).slice(0, 2);
  const isPolar = directions.length === 2 && directions[0] === directions[1];
  if (isPolar || projection === 'tmercSouth') return undefined;
  return directions.some((each) => each === 'west' || each === 'south') ? directions.join(' and ') : undefined;
}

function codeOf(node: WktNode): number | undefined {
  const id = childOf(node, 'AUTHORITY') ?? childOf(node, 'ID');
  return id && String(id.values[0]).toUpperCase() === 'EPSG' ? Number(id.values[1]) : undefined;
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9+]/g, '');

/** Projections by their names in both versions, and Esri's. */
const NAMES: Record<string, ProjectionName | 'pseudo'> = {
  ...{ transversemercator: 'tmerc', gausskruger: 'tmerc', transversemercatorcomplex: 'tmerc' },
  ...{ transversemercatorsouthorientated: 'tmercSouth', transversemercatorsouthoriented: 'tmercSouth' },
  ...{ mercator1sp: 'merc', mercator2sp: 'merc', mercator: 'merc', mercatorvarianta: 'merc', mercatorvariantb: 'merc' },
  ...{ popularvisualisationpseudomercator: 'pseudo', mercatorauxiliarysphere: 'pseudo' },
  ...{ lambertconformalconic: 'lcc2', lambertconformalconic2sp: 'lcc2', lambertconicconformal2sp: 'lcc2' },
  ...{ lambertconformalconic1sp: 'lcc1', lambertconicconformal1sp: 'lcc1' },
  ...{ lambertazimuthalequalarea: 'laea', albers: 'aea', albersconicequalarea: 'aea', albersequalarea: 'aea' },
  ...{ azimuthalequidistant: 'aeqd', modifiedazimuthalequidistant: 'aeqd', equidistantconic: 'eqdc' },
  ...{
    polarstereographic: 'sterePole',
    polarstereographicvarianta: 'sterePole',
    polarstereographicvariantb: 'sterePole',
  },
  ...{ stereographicnorthpole: 'sterePole', stereographicsouthpole: 'sterePole', stereographic: 'stere' },
  ...{ doublestereographic: 'sterea', obliquestereographic: 'sterea', equirectangular: 'eqc', platecarree: 'eqc' },
  ...{ equidistantcylindrical: 'eqc', equidistantcylindricalspherical: 'eqc', cassinisoldner: 'cass', cassini: 'cass' },
  ...{ polyconic: 'poly', americanpolyconic: 'poly', sinusoidal: 'sinu', mollweide: 'moll', robinson: 'robin' },
  ...{ vandergrinten: 'vandg', vandergrinteni: 'vandg', millercylindrical: 'mill', equalearth: 'eqearth' },
  ...{ eckertvi: 'eck6', gnomonic: 'gnom', orthographic: 'ortho', newzealandmapgrid: 'nzmg' },
  ...{ cylindricalequalarea: 'cea', lambertcylindricalequalarea: 'cea', behrmann: 'cea' },
  ...{ hotineobliquemercator: 'omercOrigin', hotineobliquemercatorvarianta: 'omercOrigin' },
  ...{
    hotineobliquemercatorazimuthnaturalorigin: 'omercOrigin',
    rectifiedskeworthomorphicnaturalorigin: 'omercOrigin',
  },
  ...{ hotineobliquemercatorazimuthcenter: 'omercCentre', hotineobliquemercatorvariantb: 'omercCentre' },
  ...{ obliquemercator: 'omercCentre', rectifiedskeworthomorphiccenter: 'omercCentre' },
  ...{ swissobliquemercator: 'somerc', swissobliquecylindrical: 'somerc' },
  ...{ krovaknorthorientated: 'krovak', krovak: 'krovak' },
};

/** PROJ's parameters by their names in both versions, and Esri's. */
const PARAMETERS: Record<string, Parameter | 'none'> = {
  ...{ latitudeoforigin: 'lat_0', latitudeofnaturalorigin: 'lat_0', latitudeoffalseorigin: 'lat_0' },
  ...{ latitudeofcenter: 'lat_0', latitudeofcentre: 'lat_0', latitudeofprojectioncentre: 'lat_0' },
  ...{ centralmeridian: 'lon_0', longitudeoforigin: 'lon_0', longitudeofnaturalorigin: 'lon_0' },
  ...{ longitudeoffalseorigin: 'lon_0', longitudeofcenter: 'lon_0', longitudeofcentre: 'lon_0' },
  ...{ longitudeofprojectioncentre: 'lon_0', straightverticallongitudefrompole: 'lon_0' },
  ...{ falseeasting: 'x_0', eastingatfalseorigin: 'x_0', eastingatprojectioncentre: 'x_0' },
  ...{ falsenorthing: 'y_0', northingatfalseorigin: 'y_0', northingatprojectioncentre: 'y_0' },
  ...{ scalefactor: 'k_0', scalefactoratnaturalorigin: 'k_0', scalefactoratprojectioncentre: 'k_0' },
  ...{ scalefactoroninitialline: 'k_0', scalefactoratfalseorigin: 'k_0', scalefactoronpseudostandardparallel: 'k_0' },
  ...{ standardparallel1: 'lat_1', latitudeof1ststandardparallel: 'lat_1', latitudeofstandardparallel: 'lat_ts' },
  ...{ standardparallel2: 'lat_2', latitudeof2ndstandardparallel: 'lat_2' },
  ...{ azimuth: 'alpha', azimuthofinitialline: 'alpha', azimuthatprojectioncentre: 'alpha' },
  ...{ colatitudeofconeaxis: 'alpha', rectifiedgridangle: 'gamma', anglefromrectifiedtoskewgrid: 'gamma' },
  ...{ xyplanerotation: 'gamma', xscale: 'none', yscale: 'none' },
  ...{ auxiliaryspheretype: 'none', pseudostandardparallel1: 'none', latitudeofpseudostandardparallel: 'none' },
};
