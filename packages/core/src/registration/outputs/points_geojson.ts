/** Tie points as GeoJSON (RFC 7946): longitude and latitude on WGS 84, a feature a cell, where the SAR scene shows it. */
import { LON_LAT, transformBetween } from '../../geo/reference_system.ts';
import type { GroundPosition, Registration } from '../registration.ts';
import { cellOf, POINT_COLUMNS } from './point_columns.ts';

/** Decimals of a degree: 1 mm. */
const DECIMALS = 8;

export function pointsGeojson({ points, grid }: Pick<Registration, 'points' | 'grid'>): string {
  const toLonLat = transformBetween(grid.crs, LON_LAT, 'the registration');
  const placed = points.map((point) => ({ point, at: rounded(toLonLat(...point.sarGround)) }));
  const lines = placed.map(({ point, at }) =>
    JSON.stringify({
      ...{ type: 'Feature', id: point.id },
      geometry: at && { type: 'Point', coordinates: at },
      properties: Object.fromEntries(POINT_COLUMNS.map((column) => [column.name, cellOf(column, point)])),
    }),
  );
  const bbox = boxOf(placed.flatMap(({ at }) => (at ? [at] : [])));
  const head = JSON.stringify({ type: 'FeatureCollection', ...(bbox && { bbox }) }).slice(0, -1);
  return `${head},"features":[\n${lines.join(',\n')}\n]}\n`;
}

function rounded([longitude, latitude]: GroundPosition): [number, number] | null {
  if (!Number.isFinite(longitude) || !Number.isFinite(latitude)) return null;
  const turn = longitude > 180 ? longitude - 360 : longitude < -180 ? longitude + 360 : longitude;
  return [Number(turn.toFixed(DECIMALS)), Number(latitude.toFixed(DECIMALS))];
}

function boxOf(at: readonly (readonly [number, number])[]): number[] | undefined {
  if (at.length === 0) return undefined;
  const [xs, ys] = [at.map(([x]) => x), at.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
