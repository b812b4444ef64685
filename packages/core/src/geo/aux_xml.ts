/** Place of an image in its companion `.aux.xml` (GDAL's "PAM"): system, transform or control points. */
import { childOf, childText, parseXml, type XmlElement } from '../base/xml.ts';
import type { AffineTransform } from '../raster/raster.ts';
import type { ControlPoint } from './pixel_map.ts';

export interface AuxPlace {
  crs?: string;
  transform?: AffineTransform;
  points?: ControlPoint[];
}

export function placeOfAuxXml(xml: string): AuxPlace {
  const root = parseXml(xml);
  if (!root) return {};
  const numbers = childText(root, 'GeoTransform')?.split(',').map(Number);
  const transform =
    numbers?.length === 6 && numbers.every(Number.isFinite) ? (numbers as unknown as AffineTransform) : undefined;
  const list = childOf(root, 'GCPList');
  const points = list?.children.map(pointOf) ?? [];
  const crs = childText(root, 'SRS') || list?.attributes.Projection;
  return { ...(crs && { crs }), ...(transform && { transform }), ...(points.length > 0 && { points }) };
}

const pointOf = ({ attributes: { Pixel, Line, X, Y } }: XmlElement): ControlPoint => ({
  ...{ column: Number(Pixel), row: Number(Line), x: Number(X), y: Number(Y) },
});
