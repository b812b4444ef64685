/** PROJJSON as the tree of the well-known text that it mirrors (ISO 19162), so that both are read in one way. */
import type { WktNode, WktValue } from './wkt_tree.ts';

type Json = Readonly<Record<string, unknown>>;

const KEYWORDS: Record<string, string> = {
  ...{ GeographicCRS: 'GEOGCRS', DerivedGeographicCRS: 'GEOGCRS', GeodeticCRS: 'GEODCRS', ProjectedCRS: 'PROJCRS' },
  ...{ CompoundCRS: 'COMPOUNDCRS', BoundCRS: 'BOUNDCRS', VerticalCRS: 'VERTCRS' },
};

/** Undefined if it is no JSON object. */
export function parseProjjson(text: string): WktNode | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? systemNode(json) : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const node = (name: string, ...values: (WktValue | undefined)[]): WktNode => ({
  name,
  values: values.filter((value) => value !== undefined),
});

function systemNode(json: Json, keyword = KEYWORDS[String(json.type)] ?? String(json.type)): WktNode {
  const { name, base_crs: base, conversion, datum, datum_ensemble: ensemble, coordinate_system: system } = json;
  if (keyword === 'BOUNDCRS') return boundNode(json);
  const isDerived = json.type === 'DerivedGeographicCRS';
  const earth = isObject(datum) ? datum : isObject(ensemble) ? ensemble : undefined;
  return node(
    keyword,
    String(name),
    isObject(base) ? systemNode(base, 'BASEGEOGCRS') : undefined,
    isObject(conversion) ? conversionNode(isDerived ? 'DERIVINGCONVERSION' : 'CONVERSION', conversion) : undefined,
    earth && datumNode(earth),
    earth && isObject(earth.prime_meridian) ? meridianNode(earth.prime_meridian) : undefined,
    ...listOf(json.components).map((each) => systemNode(each)),
    ...(isObject(system) ? [node('CS', String(system.subtype)), ...listOf(system.axis).map(axisNode)] : []),
    idNode(json),
  );
}

function boundNode({ source_crs: source, target_crs: target, transformation }: Json): WktNode {
  return node(
    'BOUNDCRS',
    isObject(source) ? node('SOURCECRS', systemNode(source)) : undefined,
    isObject(target) ? node('TARGETCRS', systemNode(target)) : undefined,
    isObject(transformation) ? conversionNode('ABRIDGEDTRANSFORMATION', transformation) : undefined,
  );
}

function conversionNode(keyword: string, { name, method, parameters }: Json): WktNode {
  const named = isObject(method) ? node('METHOD', String(method.name)) : undefined;
  const values = listOf(parameters).map((each) =>
    node('PARAMETER', String(each.name), numberOf(each.value), unitNode(each.unit)),
  );
  return node(keyword, String(name), named, ...values);
}

function datumNode(datum: Json): WktNode {
  const ellipsoid = isObject(datum.ellipsoid) ? datum.ellipsoid : {};
  const a = lengthOf(ellipsoid.semi_major_axis ?? ellipsoid.radius);
  const b = lengthOf(ellipsoid.semi_minor_axis ?? ellipsoid.radius);
  const flattening =
    numberOf(ellipsoid.inverse_flattening) ?? (a !== undefined && b !== undefined && a !== b ? a / (a - b) : 0);
  return node('DATUM', String(datum.name), node('ELLIPSOID', String(ellipsoid.name), a, flattening), idNode(datum));
}

function meridianNode({ name, longitude }: Json): WktNode {
  const value = isObject(longitude) ? longitude : { value: longitude };
  return node('PRIMEM', String(name), numberOf(value.value), unitNode(value.unit));
}

const axisNode = ({ name, direction, unit }: Json): WktNode =>
  node('AXIS', String(name), String(direction), unitNode(unit));

function idNode({ id, ids }: Json): WktNode | undefined {
  const first = isObject(id) ? id : listOf(ids)[0];
  return first && node('ID', String(first.authority), String(first.code));
}

const DEGREE = Math.PI / 180;

function unitNode(unit: unknown): WktNode | undefined {
  if (unit === 'degree') return node('ANGLEUNIT', 'degree', DEGREE);
  if (unit === 'metre') return node('LENGTHUNIT', 'metre', 1);
  if (unit === 'unity') return node('SCALEUNIT', 'unity', 1);
  if (!isObject(unit)) return undefined;
  const keyword = { AngularUnit: 'ANGLEUNIT', LinearUnit: 'LENGTHUNIT', ScaleUnit: 'SCALEUNIT' }[String(unit.type)];
  return node(keyword ?? 'UNIT', String(unit.name), numberOf(unit.conversion_factor));
}

/** Metres. */
function lengthOf(value: unknown): number | undefined {
  if (!isObject(value)) return numberOf(value);
  const factor = isObject(value.unit) ? numberOf(value.unit.conversion_factor) : 1;
  const length = numberOf(value.value);
  return length === undefined || factor === undefined ? undefined : length * factor;
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
