/** Place of an image in its companion `.aux.xml` (GDAL's "PAM"): system, transform or control points. */
import type { AffineTransform } from '../raster/raster.ts';
import type { ControlPoint } from './pixel_map.ts';

export interface AuxPlace {
  crs?: string;
  transform?: AffineTransform;
  points?: ControlPoint[];
}

export function placeOfAuxXml(xml: string): AuxPlace {
  const srs = content(xml, 'SRS');
  const numbers = content(xml, 'GeoTransform')?.split(',').map(Number);
  const transform =
    numbers?.length === 6 && numbers.every(Number.isFinite) ? (numbers as unknown as AffineTransform) : undefined;
  const list = /<GCPList\b([^>]*)>(.*?)<\/GCPList>/s.exec(xml);
  const points = list
    ? [...list[2]!.matchAll(/<GCP\b([^>]*)>/g)].map(([, attributes = '']) => pointOf(attributes))
    : [];
  const crs = srs?.trim() || (list && attribute(list[1]!, 'Projection'));
  return { ...(crs && { crs }), ...(transform && { transform }), ...(points.length > 0 && { points }) };
}

const pointOf = (attributes: string): ControlPoint => ({
  column: Number(attribute(attributes, 'Pixel')),
  row: Number(attribute(attributes, 'Line')),
  x: Number(attribute(attributes, 'X')),
  y: Number(attribute(attributes, 'Y')),
});

function content(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}\\b[^>]*>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescaped(text);
}

function attribute(text: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1];
  return value === undefined ? undefined : unescaped(value);
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
const unescaped = (text: string) => text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!);
