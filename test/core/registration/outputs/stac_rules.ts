/**
 * The rules of a STAC 1.0.0 item as its specification states them in words, with those of the projection extension 1.1.0, of
 * CARD4L's geometric accuracy, and of RFC 7946 for the outline. Written from the documents: no validator of STAC works without
 * a network.
 *
 * https://github.com/radiantearth/stac-spec/blob/v1.0.0/item-spec/item-spec.md
 */
import { z } from 'zod';

/** RFC 3339, section 5.6, in UTC. */
const time = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/);
const position = z.tuple([z.number().min(-180).max(180), z.number().min(-90).max(90)]);
const ring = z.array(position).min(4).refine(isClosed, 'not closed').refine(isCounterclockwise, 'clockwise');

function isClosed(positions: readonly (readonly [number, number])[]): boolean {
  return positions[0]!.every((each, axis) => each === positions.at(-1)![axis]);
}

function isCounterclockwise(positions: readonly (readonly [number, number])[]): boolean {
  const areas = positions.slice(1).map(([x, y], i) => positions[i]![0] * y - x * positions[i]![1]);
  return areas.reduce((sum, each) => sum + each, 0) > 0;
}

const accuracy = z.strictObject({ bias: z.number(), stddev: z.number().min(0) });

const properties = z.strictObject({
  datetime: time,
  created: time,
  'proj:epsg': z.int().nullable(),
  'proj:shape': z.tuple([z.int().positive(), z.int().positive()]),
  'proj:transform': z.array(z.number()).length(6),
  'card4l:northern_geometric_accuracy': accuracy,
  'card4l:eastern_geometric_accuracy': accuracy,
  'card4l:geometric_accuracy_radial_rmse': z.number().min(0),
  'doppel:datetime_source': z.string().optional(),
  'doppel:geometric_accuracy_ce90': z.number(),
  'doppel:geometric_accuracy_points': z.int(),
  'doppel:aligned_to': z.string(),
  'doppel:model': z.string(),
});

const asset = z.strictObject({
  href: z.string().regex(/^\.\/[\w.]+$/),
  title: z.string().min(1),
  type: z.string().regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)*$/),
  roles: z.array(z.string().min(1)).min(1),
});

export const STAC_ITEM = z
  .strictObject({
    type: z.literal('Feature'),
    stac_version: z.literal('1.0.0'),
    stac_extensions: z.array(z.url()),
    id: z.string().min(1),
    geometry: z.strictObject({ type: z.literal('Polygon'), coordinates: z.tuple([ring]) }),
    bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
    properties,
    links: z.array(z.object({ rel: z.string().min(1), href: z.string().min(1) })),
    assets: z.record(z.string(), asset),
  })
  .refine(({ geometry, bbox: [west, south, east, north] }) => {
    const positions = geometry.coordinates[0];
    const [xs, ys] = [positions.map(([x]) => x), positions.map(([, y]) => y)];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)].every(
      (each, i) => each === [west, south, east, north][i],
    );
  }, 'another bounding box than that of the outline');
