/** Distance on the ground between two near points. */
import type { Point } from './pixel_map.ts';

/** Half axis and squared eccentricity of WGS 84. */
const [AXIS, ECCENTRICITY] = [6378137, 0.00669437999];
const RADIANS = Math.PI / 180;

/** Metres between two points in degrees of longitude and latitude, by the radii of curvature between them. */
export function metresBetween([west, south]: Readonly<Point>, [east, north]: Readonly<Point>): number {
  const latitude = ((south + north) / 2) * RADIANS;
  const curved = 1 - ECCENTRICITY * Math.sin(latitude) ** 2;
  const [meridian, vertical] = [(AXIS * (1 - ECCENTRICITY)) / curved ** 1.5, AXIS / Math.sqrt(curved)];
  const dNorth = meridian * (north - south) * RADIANS;
  const dEast = vertical * Math.cos(latitude) * (east - west) * RADIANS;
  return Math.hypot(dNorth, dEast);
}
