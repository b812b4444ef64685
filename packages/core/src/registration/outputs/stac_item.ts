/**
 * STAC item of an aligned scene, with its geometric accuracy as CARD4L's extension states it: bias and standard deviation
 * northward and eastward, in metres, at points that no fit has seen. The extension itself is not declared, for it demands
 * much of a product that a registration does not know.
 *
 * https://github.com/stac-extensions/card4l, https://github.com/stac-extensions/projection
 */

import type { Grid } from '../../geo/grid.ts';
import { LON_LAT, transformBetween } from '../../geo/reference_system.ts';
import type { AcquisitionTime } from '../../raster/acquisition_time.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import { nameOf } from '../../store.ts';
import type { Registration } from '../registration.ts';
import type { Side } from './moved.ts';

export interface StacOptions {
  readonly side: Side;
  readonly acquired: AcquisitionTime;
  /** Time of processing, ISO 8601. */
  readonly now: string;
  /** Files beside the item: relative path and media type by name. */
  readonly assets: Readonly<Record<string, { href: string; type: string; roles: readonly string[]; title: string }>>;
}

export function stacItem(
  registration: Registration,
  grid: Pick<Grid, 'width' | 'height' | 'map'> & { crs: string; transform: AffineTransform },
  { side, acquired, now, assets }: StacOptions,
): string {
  const { sar, optical, quality, correction } = registration;
  const moved = side === 'optical' ? optical : sar;
  const ring = outline(grid);
  const item = {
    type: 'Feature',
    stac_version: '1.0.0',
    stac_extensions: ['https://stac-extensions.github.io/projection/v1.1.0/schema.json'],
    id: `${nameOf(moved.file).replace(/\.[^.]*$/, '')}-aligned`,
    geometry: { type: 'Polygon', coordinates: [ring] },
    bbox: boxOf(ring),
    properties: {
      ...{ datetime: acquired.time, 'doppel:datetime_source': acquired.source },
      ...{ created: now, 'proj:epsg': epsgOf(grid.crs), 'proj:shape': [grid.height, grid.width] },
      'proj:transform': [
        ...grid.transform.slice(1, 3),
        grid.transform[0],
        ...grid.transform.slice(4),
        grid.transform[3],
      ],
      ...(quality && {
        'card4l:northern_geometric_accuracy': accuracy(quality.biasY, quality.rmseY),
        'card4l:eastern_geometric_accuracy': accuracy(quality.biasX, quality.rmseX),
        'card4l:geometric_accuracy_radial_rmse': Math.hypot(quality.rmseX, quality.rmseY),
        'doppel:geometric_accuracy_ce90': quality.ce90,
        'doppel:geometric_accuracy_points': quality.heldOut,
      }),
      'doppel:aligned_to': nameOf((side === 'optical' ? sar : optical).file),
      'doppel:model': correction?.map.kind,
    },
    links: [],
    assets,
  };
  return `${JSON.stringify(item, null, 2)}\n`;
}

function accuracy(bias: number, rmse: number): { bias: number; stddev: number } {
  return { bias, stddev: Math.sqrt(Math.max(0, rmse * rmse - bias * bias)) };
}

function epsgOf(crs: string): number | null {
  const code = /^EPSG:(\d+)$/i.exec(crs)?.[1];
  return code === undefined ? null : Number(code);
}

/** Outline of a grid counterclockwise, in longitude and latitude. */
function outline({ crs, width, height, map }: Parameters<typeof stacItem>[1]): number[][] {
  const toLonLat = transformBetween(crs, LON_LAT, 'the aligned scene');
  const corners = [
    [0, 0],
    [0, height],
    [width, height],
    [width, 0],
    [0, 0],
  ] as const;
  return corners.map(([column, row]) => toLonLat(...map.toGround(column, row)).map((each) => Number(each.toFixed(8))));
}

function boxOf(ring: readonly (readonly number[])[]): number[] {
  const [xs, ys] = [ring.map(([x]) => x!), ring.map(([, y]) => y!)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
