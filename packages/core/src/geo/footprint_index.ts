/**
 * Finds what lies on the same or neighbouring ground. Rectangles of one reference system are compared in it; those of
 * different ones are found through longitude and latitude, then compared exactly, corner by corner.
 */
import Flatbush from 'flatbush';
import { FormatError } from '../errors.ts';
import type { Footprint } from './footprint.ts';
import { LON_LAT, type Transform, transformBetween } from './reference_system.ts';

type Box = readonly [minX: number, minY: number, maxX: number, maxY: number];
type Point = readonly [x: number, y: number];

/** Of a footprint's side: overlaps and gaps below it are rounding, as between the tiles of a grid. */
const TOLERANCE = 1e-3;

export class FootprintIndex {
  private readonly footprints: readonly (Footprint | undefined)[];
  private readonly margin: number;
  private readonly transforms = new Map<string, Transform>();
  /** Boxes widened by the margin; of the one CRS that all share, else longitude and latitude. */
  private readonly boxes: (Box | undefined)[];
  private readonly isMixed: boolean;
  private readonly tree: Flatbush | undefined;
  /** From positions in the tree to footprints. */
  private readonly items: number[] = [];

  /**
   * @param margin how wide a gap still counts as near, in sides of the larger footprint; 0: only what overlaps is near.
   * @param file that the footprints come from, for messages.
   * @throws FormatError where a footprint cannot be placed on the globe.
   */
  constructor(footprints: readonly (Footprint | undefined)[], margin: number, file: string) {
    this.footprints = footprints;
    this.margin = margin;
    this.isMixed = new Set(footprints.flatMap((each) => (each ? [each.crs] : []))).size > 1;
    this.boxes = footprints.map((each) => each && this.boxOf(each, file));
    const count = this.boxes.filter(Boolean).length;
    if (count === 0) return;
    this.tree = new Flatbush(count);
    this.boxes.forEach((box, i) => {
      if (!box) return;
      this.tree?.add(...box);
      this.items.push(i);
    });
    this.tree.finish();
  }

  /** The others on near ground, in no order; none where the footprint is unknown. */
  near(i: number): number[] {
    const box = this.boxes[i];
    if (!box || !this.tree) return [];
    const [minX, minY, maxX, maxY] = box;
    // Round the globe: what lies just east of the antimeridian is near to what lies just west of it.
    const turns = this.isMixed ? [0, -360, 360] : [0];
    const found = turns.flatMap((turn) => this.tree?.search(minX + turn, minY, maxX + turn, maxY) ?? []);
    return [...new Set(found)].map((item) => this.items[item]!).filter((j) => j !== i && this.isNear(i, j));
  }

  /** Are both footprints known, and near? */
  isNear(i: number, j: number): boolean {
    const [a, b] = [this.footprints[i], this.footprints[j]];
    if (!a || !b) return false;
    if (a.crs === b.crs) return areNear(a.bounds, b.bounds, this.margin);
    // Sides and scales differ between systems; near in either is near.
    return this.isNearQuad(a, b) || this.isNearQuad(b, a);
  }

  private isNearQuad(a: Footprint, b: Footprint): boolean {
    const quad = cornersOf(b.bounds).map(([x, y]) => this.transform(b.crs, a.crs)(x, y));
    const [width, height] = [a.bounds[2] - a.bounds[0], a.bounds[3] - a.bounds[1]];
    return quadsMeet(
      cornersOf(widen(a.bounds, (this.margin - TOLERANCE) * width, (this.margin - TOLERANCE) * height)),
      quad,
    );
  }

  private boxOf(footprint: Footprint, file: string): Box {
    const [minX, minY, maxX, maxY] = footprint.bounds;
    const wide = widen(footprint.bounds, this.margin * (maxX - minX), this.margin * (maxY - minY));
    if (!this.isMixed) return wide;
    const points = outlineOf(wide).map(([x, y]) => this.transform(footprint.crs, LON_LAT, file)(x, y));
    if (!points.flat().every(Number.isFinite)) {
      throw new FormatError({
        action: 'place on the globe the footprints of',
        file,
        expected: `coordinates that ${footprint.crs} can hold`,
        found: `[${footprint.bounds.join(', ')}]`,
      });
    }
    const latitudes = points.map(([, latitude]) => latitude);
    let longitudes = points.map(([longitude]) => longitude);
    if (Math.max(...longitudes) - Math.min(...longitudes) > 180) {
      longitudes = longitudes.map((longitude) => (longitude < 0 ? longitude + 360 : longitude));
    }
    return [Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)];
  }

  private transform(from: string, to: string, file = 'footprints'): Transform {
    const key = `${from}\n${to}`;
    const known = this.transforms.get(key) ?? transformBetween(from, to, file);
    this.transforms.set(key, known);
    return known;
  }
}

function areNear(a: Box, b: Box, margin: number): boolean {
  const [width, height] = [Math.max(a[2] - a[0], b[2] - b[0]), Math.max(a[3] - a[1], b[3] - b[1])];
  const gapX = Math.max(a[0] - b[2], b[0] - a[2]); // negative where they overlap
  const gapY = Math.max(a[1] - b[3], b[1] - a[3]);
  const tolerance = (nearest: number) => TOLERANCE * nearest;
  const [smallX, smallY] = [Math.min(a[2] - a[0], b[2] - b[0]), Math.min(a[3] - a[1], b[3] - b[1])];
  return gapX < margin * width - tolerance(smallX) && gapY < margin * height - tolerance(smallY);
}

const widen = ([minX, minY, maxX, maxY]: Box, x: number, y: number): Box => [minX - x, minY - y, maxX + x, maxY + y];

const cornersOf = ([minX, minY, maxX, maxY]: Box): Point[] => [
  [minX, minY],
  [maxX, minY],
  [maxX, maxY],
  [minX, maxY],
];

/** Corners and the middles of the edges, for edges become curves. */
function outlineOf(box: Box): Point[] {
  const corners = cornersOf(box);
  return corners.flatMap((corner, i) => {
    const next = corners[(i + 1) % corners.length]!;
    return [corner, [(corner[0] + next[0]) / 2, (corner[1] + next[1]) / 2] as const];
  });
}

/** Convex quadrilaterals meet unless the normal of some edge separates them (separating axis theorem). */
function quadsMeet(a: readonly Point[], b: readonly Point[]): boolean {
  return [a, b].every((quad) =>
    quad.every((from, i) => {
      const to = quad[(i + 1) % quad.length]!;
      const normal = [to[1] - from[1], from[0] - to[0]] as const;
      const [aLow, aHigh] = extent(a, normal);
      const [bLow, bHigh] = extent(b, normal);
      return aLow < bHigh && bLow < aHigh;
    }),
  );
}

function extent(points: readonly Point[], [nx, ny]: Point): [number, number] {
  const along = points.map(([x, y]) => x * nx + y * ny);
  return [Math.min(...along), Math.max(...along)];
}
