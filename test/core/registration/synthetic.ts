/** Tie points of a known map: a grid of cells, noise, and points found anywhere in the search. */
import { Rng } from '../../../packages/core/src/base/random.ts';
import type { Frame } from '../../../packages/core/src/registration/judge.ts';
import { invertPoint } from '../../../packages/core/src/registration/plane_map.ts';
import type { GroundPosition, PlaneMap, TiePoint } from '../../../packages/core/src/registration/registration.ts';

export const PIXEL = 10;
const SIDE = 1024;
export const TRANSFORM = [400_000, PIXEL, 0, 5_000_000, 0, -PIXEL] as const;
const MIDDLE: GroundPosition = [TRANSFORM[0] + (SIDE / 2) * PIXEL, TRANSFORM[3] - (SIDE / 2) * PIXEL];

const toGround = ([column, row]: readonly [number, number]): GroundPosition => [
  TRANSFORM[0] + column * PIXEL,
  TRANSFORM[3] - row * PIXEL,
];
const toPixel = ([x, y]: GroundPosition) => [(x - TRANSFORM[0]) / PIXEL, (TRANSFORM[3] - y) / PIXEL] as const;

export const frame = (seed = 1, search = 32): Frame => ({
  grid: { crs: 'EPSG:32632', transform: TRANSFORM, width: SIDE, height: SIDE, metres: PIXEL },
  optical: { width: SIDE, height: SIDE },
  sar: { width: SIDE, height: SIDE },
  opticalToGround: toGround,
  sarToPixel: toPixel,
  search,
  seed,
});

/** Correction by a shift in pixels, a rotation in degrees and a change of scale, around the middle. */
export function similarity(column: number, row: number, degrees = 0, scale = 1): PlaneMap {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const span = (SIDE / 2) * PIXEL;
  return {
    ...{ kind: 'affine', origin: MIDDLE, scale: span },
    x: [MIDDLE[0] + column * PIXEL, span * scale * cos, -span * scale * sin],
    y: [MIDDLE[1] - row * PIXEL, span * scale * sin, span * scale * cos],
  };
}

export interface Made {
  map: PlaneMap;
  /** Share of points found anywhere in the search. */
  wrong?: number;
  /** Standard deviation in pixels. */
  noise?: number;
  cells?: number;
  seed?: number;
  search?: number;
  /** Factor by which the stated covariance is wrong. */
  misstated?: number;
}

export function madePoints({
  map,
  wrong = 0.3,
  noise = 0.8,
  cells = 10,
  seed = 1,
  search = 32,
  misstated = 1,
}: Made): TiePoint[] {
  const rng = Rng.derive(seed, 'made points');
  return Array.from({ length: cells * cells }, (_, id) => {
    const cell = { column: id % cells, row: Math.floor(id / cells) };
    const sar = [((cell.column + 0.5) * SIDE) / cells, ((cell.row + 0.5) * SIDE) / cells] as const;
    const sarGround = toGround(sar);
    const right = invertPoint(map, sarGround);
    const isWrong = rng.float() < wrong;
    const sigma = noise * (0.5 + rng.float());
    const anywhere = () => (2 * rng.float() - 1) * search * PIXEL;
    const [ex, ey] = isWrong ? [anywhere(), anywhere()] : [sigma * PIXEL * rng.normal(), sigma * PIXEL * rng.normal()];
    const opticalGround: GroundPosition = [right[0] + ex, right[1] + ey];
    const [optical, expected] = [toPixel(opticalGround), toPixel(sarGround)];
    const variance = sigma * sigma * misstated;
    return {
      ...{ id, cell, reason: 'used', heldOut: false, sar, sarGround, optical, opticalGround },
      offset: { column: optical[0] - expected[0], row: optical[1] - expected[1] },
      covariance: [variance, 0, variance],
    };
  });
}

/** Largest distance of two maps at the corners of the scene, in pixels. */
export function cornerError(
  found: PlaneMap,
  truth: PlaneMap,
  at: (map: PlaneMap, p: GroundPosition) => GroundPosition,
): number {
  const corners = [
    [0, 0],
    [SIDE, 0],
    [SIDE, SIDE],
    [0, SIDE],
  ] as const;
  return Math.max(
    ...corners.map((corner) => {
      const ground = invertPoint(truth, toGround(corner));
      const [[ax, ay], [bx, by]] = [at(found, ground), at(truth, ground)];
      return Math.hypot(ax - bx, ay - by) / PIXEL;
    }),
  );
}
