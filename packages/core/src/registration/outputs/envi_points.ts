/**
 * Used tie points as ground control points of ENVI (`.pts`), in both of its forms: image to image, and image to map. ENVI
 * counts pixels from 1, 1 at the upper left corner of the upper left pixel (docs, "GCP File Formats").
 */
import { parametersOf } from '../../geo/write_wkt.ts';
import type { PixelPosition, Registration } from '../registration.ts';
import type { Moved } from './moved.ts';

type Scene = Pick<Registration, 'points' | 'grid' | 'sar' | 'optical'>;

export function enviImagePoints({ points, sar, optical }: Scene, moved: Moved): string {
  const [base, warp] = moved.side === 'optical' ? [sar, optical] : [optical, sar];
  const rows = usedOf(points).flatMap((point) => {
    const [to, from] = [moved.fixedPixel(point), moved.pixel(point)];
    return to && from ? [[...fromOne(to), ...fromOne(from)]] : [];
  });
  const head = [
    '; ENVI Image to Image GCP File',
    `; base file: ${base.file}`,
    `; warp file: ${warp.file}`,
    '; Base Image (x,y), Warp Image (x,y)',
    ';',
  ];
  return table(head, rows);
}

export function enviMapPoints({ points, grid, sar, optical }: Scene, moved: Moved): string {
  const rows = usedOf(points).flatMap((point) => {
    const [to, from] = [moved.fixedGround(point), moved.pixel(point)];
    return to && from ? [[...to, ...fromOne(from)]] : [];
  });
  const head = [
    '; ENVI Image to Map GCP File',
    `; projection info = {${projectionInfo(grid.crs)}}`,
    `; warp file: ${(moved.side === 'optical' ? optical : sar).file}`,
    '; Map (x,y), Image (x,y)',
    ';',
  ];
  return table(head, rows);
}

const usedOf = (points: Registration['points']) => points.filter(({ reason }) => reason === 'used');
const fromOne = ([column, row]: PixelPosition) => [column + 1, row + 1];

function table(head: readonly string[], rows: readonly (readonly number[])[]): string {
  const lines = rows.map((row) => row.map((value) => value.toFixed(4).padStart(16)).join(' '));
  return [...head, ...lines, ''].join('\n');
}

/** Projection as ENVI names it: UTM by its zone; any other by its code, for which ENVI's own name must be set. */
function projectionInfo(crs: string): string {
  const parameters = parametersOf(crs);
  const zone = parameters.get('zone');
  const isWgs84 = parameters.get('datum') === 'WGS84';
  if (zone !== undefined && isWgs84) {
    return `UTM, ${zone}, ${parameters.has('south') ? 'South' : 'North'}, WGS-84, units=Meters`;
  }
  if (parameters.get('proj') === 'longlat' && isWgs84) return 'Geographic Lat/Lon, WGS-84, units=Degrees';
  return `Arbitrary, ${crs.replace(/[{},\n]/g, ' ').slice(0, 80)}, units=Meters`;
}
