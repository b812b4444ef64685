/**
 * Finds footprints on the same or neighbouring ground. Rectangles of one reference system are compared in it; those of
 * different ones are found through longitude and latitude, then compared by their outlines and what lies within. The
 * Earth is round: 190° east is 170° west, and a rectangle may hold a pole.
 */
import Flatbush from 'flatbush';
import { FormatError } from '../errors.ts';
import type { Footprint } from './footprint.ts';
import type { Point } from './pixel_map.ts';
import { LON_LAT, referenceSystem, type Transform, transformBetween } from './reference_system.ts';

type Box = readonly [minX: number, minY: number, maxX: number, maxY: number];

/** Share of a footprint's side: overlaps and gaps below it are rounding, as between the tiles of a grid. */
const TOLERANCE = 1e-3;
/** Points along a side, since edges become curves in another system. */
const EDGE_STEPS = 8;
/** Latitude in degrees beyond which degrees of longitude do not measure distance. */
const POLAR = 80;

export class FootprintIndex {
  private readonly footprints: readonly (Footprint | undefined)[];
  private readonly margin: number;
  private readonly transforms = new Map<string, Transform>();
  /** Boxes widened by the margin; of the one CRS that all share, else longitude and latitude. */
  private readonly boxes: (Box | undefined)[];
  private readonly isMixed: boolean;
  /** Period of x of the boxes: one turn round the Earth; 0 if x is not periodic. */
  private readonly turn: number;
  private readonly tree: Flatbush | undefined;
  /** Footprints by their positions in the tree. */
  private readonly items: number[] = [];

  /**
   * @param margin widest gap that counts as near, in sides of the larger footprint; 0: only overlaps are near.
   * @param file that the footprints come from, for messages.
   * @throws FormatError where a footprint cannot be placed on the globe.
   */
  constructor(footprints: readonly (Footprint | undefined)[], margin: number, file: string) {
    this.footprints = footprints;
    this.margin = margin;
    const systems = [...new Set(footprints.flatMap((each) => (each ? [each.crs] : [])))];
    this.isMixed = systems.length > 1 || footprints.some((each) => each && this.isPolar(each));
    this.turn = this.isMixed ? 360 : systems.length === 1 ? (referenceSystem(systems[0]!, file).period ?? 0) : 0;
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

  /** Other footprints on near ground, in no order; none if the footprint is unknown. */
  near(i: number): number[] {
    const box = this.boxes[i];
    if (!box || !this.tree) return [];
    const [minX, minY, maxX, maxY] = box;
    // Across the antimeridian: footprints just east and just west of it are near each other.
    const turns = this.turn === 0 ? [0] : [0, -this.turn, this.turn];
    const found = turns.flatMap((turn) => this.tree?.search(minX + turn, minY, maxX + turn, maxY) ?? []);
    return [...new Set(found)].map((item) => this.items[item]!).filter((j) => j !== i && this.isNear(i, j));
  }

  /** True where both footprints are known, and near. */
  isNear(i: number, j: number): boolean {
    const [a, b] = [this.footprints[i], this.footprints[j]];
    if (!a || !b) return false;
    const period = referenceSystem(a.crs, 'footprints').period;
    if (a.crs === b.crs && areNear(a.bounds, besides(a.bounds, b.bounds, period), this.margin)) return true;
    if (a.crs === b.crs) return this.isPolar(a) && this.isPolar(b) && this.margin > 0 && this.areNearOnSphere(a, b);
    // Sides and scales differ between systems; near in either is near.
    return this.isNearIn(a, b) || this.isNearIn(b, a);
  }

  /** Compares in the system of the first: the quadrilateral of the other's corners, and points within it. */
  private isNearIn(a: Footprint, b: Footprint): boolean {
    const [width, height] = sidesOf(a.bounds);
    const wide = widen(a.bounds, (this.margin - TOLERANCE) * width, (this.margin - TOLERANCE) * height);
    const { period } = referenceSystem(a.crs, 'footprints');
    const toA = this.transform(b.crs, a.crs);
    const here = (point: Point): Point => {
      const [x, y] = toA(...point);
      return [turnedTo(x, (wide[0] + wide[2]) / 2, period), y];
    };
    const quad = cornersOf(b.bounds).map(here);
    const isWhole = quad.flat().every(Number.isFinite);
    if (isWhole && !isTorn(quad, period) && quadsMeet(cornersOf(wide), quad)) return true;
    const holds = ([x, y]: Point) => x > wide[0] && x < wide[2] && y > wide[1] && y < wide[3];
    return latticeOf(shrunk(b.bounds)).some((point) => holds(here(point)));
  }

  /** Compares distances on the sphere, where degrees of longitude shrink to nothing. */
  private areNearOnSphere(a: Footprint, b: Footprint): boolean {
    const [pointsA, pointsB] = [a, b].map((each) =>
      latticeOf(each.bounds).map((point) => onSphere(this.transform(each.crs, LON_LAT)(...point))),
    );
    const side = Math.max(...[pointsA!, pointsB!].map((points) => Math.min(...sidesOnSphere(points))));
    return pointsA!.some((p) => pointsB!.some((q) => distance(p, q) < (this.margin + 1 / EDGE_STEPS) * side));
  }

  private isPolar({ crs, bounds }: Footprint): boolean {
    const isGeographic = referenceSystem(crs, 'footprints').isGeographic;
    return isGeographic && Math.max(Math.abs(bounds[1]), Math.abs(bounds[3])) > POLAR;
  }

  private boxOf(footprint: Footprint, file: string): Box {
    const [width, height] = sidesOf(footprint.bounds);
    const wide = widen(footprint.bounds, this.margin * width, this.margin * height);
    if (!this.isMixed) return turnedBox(wide, this.turn);
    const toLonLat = this.transform(footprint.crs, LON_LAT, file);
    const inside = outlineOf(footprint.bounds).map(([x, y]) => toLonLat(x, y));
    if (!inside.flat().every(Number.isFinite)) {
      throw new FormatError({
        action: 'place on the globe the footprints of',
        file,
        expected: `coordinates that ${footprint.crs} can hold`,
        found: `[${footprint.bounds.join(', ')}]`,
      });
    }
    return turnedBox(lonLatBox(footprint, wide, toLonLat, this.transform(LON_LAT, footprint.crs, file)), 360);
  }

  private transform(from: string, to: string, file = 'footprints'): Transform {
    const key = `${from}\n${to}`;
    const known = this.transforms.get(key) ?? transformBetween(from, to, file);
    this.transforms.set(key, known);
    return known;
  }
}

/**
 * Longitudes and latitudes of a rectangle; all longitudes where it holds a pole or reaches beyond what can be shown.
 */
function lonLatBox({ crs }: Footprint, wide: Box, toLonLat: Transform, fromLonLat: Transform): Box {
  const { isGeographic } = referenceSystem(crs, 'footprints');
  if (isGeographic) {
    const isPole = Math.max(Math.abs(wide[1]), Math.abs(wide[3])) > POLAR;
    const [south, north] = [Math.max(wide[1], -90), Math.min(wide[3], 90)];
    return isPole ? [-180, Math.min(south, north), 180, north] : wide;
  }
  const points = outlineOf(wide).map(([x, y]) => toLonLat(x, y));
  const known = points.filter((point) => point.every(Number.isFinite));
  const latitudes = known.map(([, latitude]) => latitude);
  const [low, high] = [Math.min(...latitudes), Math.max(...latitudes)];
  const holds = (latitude: number) => {
    const [x, y] = fromLonLat(0, latitude);
    return x >= wide[0] && x <= wide[2] && y >= wide[1] && y <= wide[3];
  };
  if (known.length < points.length) return [-180, -90, 180, 90];
  if (holds(90)) return [-180, low, 180, 90];
  if (holds(-90)) return [-180, -90, 180, high];
  let before = known[0]![0];
  const longitudes = known.map(([longitude]) => {
    before = turnedTo(longitude, before, 360);
    return before;
  });
  return [Math.min(...longitudes), low, Math.max(...longitudes), high];
}

/** Shifts x by whole turns to the value nearest to another. */
function turnedTo(x: number, near: number, period: number | undefined): number {
  return period ? x - Math.round((x - near) / period) * period : x;
}

/** Shifts a box by whole turns to the central period of x. */
function turnedBox([minX, minY, maxX, maxY]: Box, period: number): Box {
  if (period === 0) return [minX, minY, maxX, maxY];
  const turns = Math.floor(minX / period + 0.5) * period;
  return [minX - turns, minY, maxX - turns, maxY];
}

/** Rectangle shifted by whole turns to the side of another. */
function besides(a: Box, [minX, minY, maxX, maxY]: Box, period: number | undefined): Box {
  const middle = (minX + maxX) / 2;
  const moved = turnedTo(middle, (a[0] + a[2]) / 2, period) - middle;
  return [minX + moved, minY, maxX + moved, maxY];
}

/** True if corners lie on both sides of a seam of the system. */
function isTorn(points: readonly Point[], period: number | undefined): boolean {
  if (!period) return false;
  const xs = points.map(([x]) => x);
  return Math.max(...xs) - Math.min(...xs) > period / 2;
}

const sidesOf = ([minX, minY, maxX, maxY]: Box): [number, number] => [maxX - minX, maxY - minY];

/** Box without its rim, which neighbours share. */
function shrunk(box: Box): Box {
  const [width, height] = sidesOf(box);
  return widen(box, -TOLERANCE * width, -TOLERANCE * height);
}

function latticeOf([minX, minY, maxX, maxY]: Box): Point[] {
  const steps = Array.from({ length: EDGE_STEPS + 1 }, (_, i) => i / EDGE_STEPS);
  return steps.flatMap((u) => steps.map((v): Point => [minX + u * (maxX - minX), minY + v * (maxY - minY)]));
}

type Vector = readonly [number, number, number];

function onSphere([longitude, latitude]: Point): Vector {
  const [lambda, phi] = [(longitude * Math.PI) / 180, (latitude * Math.PI) / 180];
  return [Math.cos(phi) * Math.cos(lambda), Math.cos(phi) * Math.sin(lambda), Math.sin(phi)];
}

const distance = (a: Vector, b: Vector) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

/** Lengths of the middle lines of a lattice. */
function sidesOnSphere(points: readonly Vector[]): [number, number] {
  const [side, half] = [EDGE_STEPS + 1, EDGE_STEPS / 2];
  return [
    distance(points[half]!, points[EDGE_STEPS * side + half]!),
    distance(points[half * side]!, points[half * side + EDGE_STEPS]!),
  ];
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

/** Corners and points of the edges between. */
function outlineOf(box: Box): Point[] {
  const corners = cornersOf(box);
  return corners.flatMap(([x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length]!;
    return Array.from({ length: EDGE_STEPS }, (_, k): Point => {
      const t = k / EDGE_STEPS;
      return [x + (nextX - x) * t, y + (nextY - y) * t];
    });
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

function extent(points: readonly Point[], [nx, ny]: readonly [number, number]): [number, number] {
  const along = points.map(([x, y]) => x * nx + y * ny);
  return [Math.min(...along), Math.max(...along)];
}
