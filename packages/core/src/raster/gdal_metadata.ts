/**
 * Band metadata of GDAL: scale and offset, unit, name, no-data. In GeoTIFF as XML in a tag, for any
 * format in a companion `.aux.xml`.
 */
import type { Unit } from './raster.ts';

export interface BandFacts {
  scale?: number;
  offset?: number;
  /** Unit as the file spells it. */
  unit?: string;
  name?: string;
  noData?: string;
}

/** Facts by band, counted from 0. */
export type BandsFacts = Map<number, BandFacts>;

const ITEM = /<Item\s([^>]*)>([^<]*)<\/Item>/g;
const BAND = /<PAMRasterBand\b([^>]*)>(.*?)<\/PAMRasterBand>/gs;

/** Reads the tag GDAL_METADATA. */
export function readGdalMetadata(xml: string): BandsFacts {
  const facts: BandsFacts = new Map();
  for (const [, attributes = '', text = ''] of xml.matchAll(ITEM)) {
    const [role, sample] = [attribute(attributes, 'role'), attribute(attributes, 'sample')];
    if (role === undefined || sample === undefined) continue;
    const band = factsOf(facts, Number(sample));
    if (role === 'scale') setNumber(band, 'scale', text);
    if (role === 'offset') setNumber(band, 'offset', text);
    if (role === 'unittype') band.unit = unescaped(unescaped(text)); // GDAL escapes twice
    if (role === 'description') band.name = unescaped(unescaped(text));
  }
  return facts;
}

/** Reads a companion `.aux.xml`. */
export function readAuxXml(xml: string): BandsFacts {
  const facts: BandsFacts = new Map();
  for (const [, attributes = '', body = ''] of xml.matchAll(BAND)) {
    const band = factsOf(facts, Number(attribute(attributes, 'band') ?? 1) - 1);
    setNumber(band, 'scale', element(body, 'Scale'));
    setNumber(band, 'offset', element(body, 'Offset'));
    const [unit, name, noData] = [
      element(body, 'UnitType'),
      element(body, 'Description'),
      element(body, 'NoDataValue'),
    ];
    Object.assign(band, { ...(unit && { unit }), ...(name && { name }), ...(noData && { noData }) });
  }
  return facts;
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
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) band[key] = value;
}

const attribute = (text: string, name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];

function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}\\b[^>]*>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescaped(text);
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
const unescaped = (text: string) =>
  text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!).trim();

/** Text that is safe in XML. */
export const escaped = (text: string) =>
  text.replace(/[<>&"]/g, (each) => `&${{ '<': 'lt', '>': 'gt', '&': 'amp', '"': 'quot' }[each]};`);

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
export function unitOf(facts: BandsFacts): UnitFound {
  const bands = [...facts.values()];
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
