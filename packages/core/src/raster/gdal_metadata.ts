/**
 * Metadata of GDAL: of bands scale and offset, unit, name, no-data, role; of the whole file its items. In GeoTIFF as XML in
 * a tag, for any format in a companion `.aux.xml`.
 */
import { childOf, childText, escaped, parseXml, unescaped, type XmlElement } from '../base/xml.ts';
import type { Unit } from './raster.ts';

export interface BandFacts {
  scale?: number;
  offset?: number;
  /** Unit as the file spells it. */
  unit?: string;
  name?: string;
  noData?: string;
  /** True for transparency. */
  isAlpha?: boolean;
}

/** Facts by band, counted from 0. */
export type BandsFacts = Map<number, BandFacts>;

/** Items of metadata of a whole file, such as its acquisition time. */
export type FileItems = ReadonlyMap<string, string>;

export interface FileFacts {
  bands: BandsFacts;
  items: FileItems;
  /** No-data values that a pixel must hold in all bands, one for each. */
  jointNoData?: string | undefined;
}

/** Name of the metadata item that holds no-data values of all bands together. */
const JOINT = 'NODATA_VALUES';

/** Reads the tag GDAL_METADATA; undefined if it is no XML. */
export function readGdalMetadata(xml: string): FileFacts | undefined {
  const root = parseXml(xml);
  if (!root) return undefined;
  const items = new Map<string, string>();
  const facts: FileFacts = { bands: new Map(), items };
  for (const { attributes, text } of root.children) {
    const { role, sample, name, domain } = attributes;
    if (name === JOINT && sample === undefined && domain === undefined) facts.jointNoData = text;
    if (name !== undefined && sample === undefined && isOfFile(domain)) items.set(name, unescaped(text).trim());
    if (role === undefined || sample === undefined) continue;
    const band = factsOf(facts.bands, Number(sample));
    if (role === 'scale') setNumber(band, 'scale', text);
    if (role === 'offset') setNumber(band, 'offset', text);
    if (role === 'unittype') band.unit = unescaped(text).trim(); // GDAL escapes twice
    if (role === 'description') band.name = unescaped(text).trim();
    if (role === 'colorinterp') band.isAlpha = text === 'Alpha';
  }
  return facts;
}

/** True for the domains whose items state what the file shows. */
const isOfFile = (domain: string | undefined) => !domain || domain === 'IMAGERY';

/** Reads a companion `.aux.xml`; undefined if it is no XML. */
export function readAuxXml(xml: string): FileFacts | undefined {
  const root = parseXml(xml);
  if (!root) return undefined;
  const bands: BandsFacts = new Map();
  for (const element of root.children) {
    if (element.name === 'PAMRasterBand') readBand(factsOf(bands, Number(element.attributes.band) - 1), element);
  }
  const items = new Map(
    root.children
      .filter(({ name, attributes }) => name === 'Metadata' && isOfFile(attributes.domain))
      .flatMap(({ children }) => children.map(({ attributes, text }) => [attributes.key ?? '', text] as const)),
  );
  return { bands, items, jointNoData: items.get(JOINT) };
}

function readBand(band: BandFacts, element: XmlElement): void {
  setNumber(band, 'scale', childText(element, 'Scale'));
  setNumber(band, 'offset', childText(element, 'Offset'));
  const [unit, name] = [childText(element, 'UnitType'), childText(element, 'Description')];
  const noData = childOf(element, 'NoDataValue');
  const value = exactValue(noData?.attributes.le_hex_equiv) ?? noData?.text;
  Object.assign(band, { ...(unit && { unit }), ...(name && { name }), ...(value && { noData: value }) });
  if (childText(element, 'ColorInterp') === 'Alpha') band.isAlpha = true;
}

/** Text of a number that is given by the bytes of its double, from the lowest, for its decimals are cut. */
function exactValue(hex: string | undefined): string | undefined {
  if (hex === undefined || !/^[\da-f]{16}$/i.test(hex)) return undefined;
  const bytes = Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
  return String(new DataView(bytes.buffer).getFloat64(0, true));
}

/** Text of the tag GDAL_METADATA; undefined where there is nothing to say. @param items of the whole image. */
export function writeGdalMetadata(facts: BandsFacts, items: Readonly<Record<string, string>>): string | undefined {
  const lines = [
    ...Object.entries(items).map(([name, text]) => item(name, text)),
    ...[...facts].flatMap(([band, { scale, offset, unit, name }]) => [
      ...(name === undefined ? [] : [item('DESCRIPTION', name, band, 'description')]),
      ...(unit === undefined ? [] : [item('UNITTYPE', unit, band, 'unittype')]),
      ...(scale === undefined ? [] : [item('SCALE', String(scale), band, 'scale')]),
      ...(offset === undefined ? [] : [item('OFFSET', String(offset), band, 'offset')]),
    ]),
  ];
  return lines.length === 0 ? undefined : `<GDALMetadata>\n${lines.join('\n')}\n</GDALMetadata>\n`;
}

function item(name: string, text: string, band?: number, role?: string): string {
  const place = band === undefined ? '' : ` sample="${band}" role="${role}"`;
  return `  <Item name="${escaped(name)}"${place}>${escaped(escaped(text))}</Item>`; // GDAL unescapes twice
}

function factsOf(facts: BandsFacts, band: number): BandFacts {
  const found = facts.get(band) ?? {};
  facts.set(band, found);
  return found;
}

function setNumber(band: BandFacts, key: 'scale' | 'offset', text: string | undefined): void {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) band[key] = value;
}

const UNIT_WORDS: [RegExp, Unit][] = [
  [/^(db|decibels?)$/i, 'dB'],
  [/^amplitude$/i, 'amplitude'],
  [/^(intensity|power|linear power)$/i, 'intensity'],
  [/^reflectance$/i, 'reflectance'],
];
/** Names that SNAP and others give to bands. */
const NAME_WORDS: [RegExp, Unit][] = [
  [/(^|[_\W])db([_\W]|$)/i, 'dB'],
  [/^amplitude/i, 'amplitude'],
  [/^(intensity|sigma0|gamma0|beta0)/i, 'intensity'],
];

export interface UnitFound {
  unit?: Unit;
  guess?: string;
}

/** Unit that all bands share: as stated, or guessed from their names. */
export function unitOf(bands: readonly BandFacts[]): UnitFound {
  const common = (words: (string | undefined)[], table: [RegExp, Unit][]) => {
    const units = words.map((word) => word !== undefined && table.find(([pattern]) => pattern.test(word))?.[1]);
    const first = units[0];
    return first && units.every((unit) => unit === first) ? first : undefined;
  };
  const stated = common(
    bands.map((band) => band.unit),
    UNIT_WORDS,
  );
  if (stated) return { unit: stated };
  const named = common(
    bands.map((band) => band.name),
    NAME_WORDS,
  );
  if (!named) return {};
  return { unit: named, guess: `the unit is taken to be ${named}, by the band's name "${bands[0]!.name}"` };
}
