/** A registration made by hand: a shifted and slightly turned scene, with cells of every reason. */
import { Rng } from '../../packages/core/src/base/random.ts';
import type { Raster } from '../../packages/core/src/raster/raster.ts';
import {
  REASONS,
  type Reason,
  type Registration,
  type TiePoint,
} from '../../packages/core/src/registration/registration.ts';
import type { SceneView } from '../../packages/report/src/registration/scene_views.ts';

export const SIDE = 512;
const CELLS = 8;
const METRES = 10;
const [EAST, NORTH] = [400_000, 3_800_000];
const SHIFT = { column: 7.3, row: -4.6 };
const TURN = 0.004;

const offsetAt = (column: number, row: number) => ({
  column: SHIFT.column - TURN * (row - SIDE / 2),
  row: SHIFT.row + TURN * (column - SIDE / 2),
});

function pointOf(id: number, rng: Rng): TiePoint {
  const cell = { column: id % CELLS, row: Math.floor(id / CELLS) };
  const side = SIDE / CELLS;
  const sar = [(cell.column + 0.5) * side, (cell.row + 0.5) * side] as const;
  const sarGround = [EAST + sar[0] * METRES, NORTH - sar[1] * METRES] as const;
  const isUsed = id % 3 !== 0;
  const reason: Reason = isUsed ? 'used' : REASONS[1 + ((id / 3) % (REASONS.length - 1))]!;
  const base = { id, cell, reason, heldOut: isUsed && id % 5 === 2, sar, sarGround };
  if (!isUsed && reason !== 'off the model' && reason !== 'ambiguous') return base;
  const noise = { column: rng.normal() * 0.4, row: rng.normal() * 0.4 };
  const residual = reason === 'off the model' ? { column: 9.5, row: 6 } : noise;
  const truth = offsetAt(...sar);
  const offset = { column: truth.column + residual.column, row: truth.row + residual.row };
  return {
    ...base,
    optical: [sar[0] + offset.column, sar[1] + offset.row],
    opticalGround: [sarGround[0] + offset.column * METRES, sarGround[1] - offset.row * METRES],
    ...{ offset, residual, covariance: [0.16, 0, 0.16], peak: 0.71, ratio: 0.62, backward: 0.3, probability: 0.97 },
  };
}

export function madeRegistration(changes: Partial<Registration> = {}): Registration {
  const rng = Rng.derive(4, 'registration fixture');
  const points = Array.from({ length: CELLS * CELLS }, (_, id) => pointOf(id, rng));
  const used = points.filter(({ reason }) => reason === 'used');
  const scene = { width: SIDE, height: SIDE, crs: 'EPSG:32611' };
  return {
    status: 'trusted',
    sar: { file: 'scenes/sar.tif', ...scene },
    optical: { file: 'scenes/<optical>.tif', ...scene },
    grid: {
      crs: scene.crs,
      transform: [EAST, METRES, 0, NORTH, 0, -METRES],
      width: SIDE,
      height: SIDE,
      metres: METRES,
    },
    features: 'both',
    matcher: { name: 's1s2-10m', fingerprint: 'ab'.repeat(32) },
    radius: 64,
    coarse: { ...SHIFT, rotation: 0, scale: 1, agreeing: 7, windows: 9 },
    points,
    ladder: [
      { kind: 'shift', parameters: 2, crossValidated: 1.02, inliers: used.length - 9, chosen: false },
      { kind: 'similarity', parameters: 4, crossValidated: 0.58, inliers: used.length, chosen: true },
      { kind: 'affine', parameters: 6, crossValidated: 0.59, inliers: used.length, chosen: false },
      { kind: 'quadratic', parameters: 12, crossValidated: 0.63, inliers: used.length, chosen: false },
      { kind: 'spline', parameters: 20, inliers: used.length, chosen: false },
    ],
    correction: {
      crs: scene.crs,
      map: {
        kind: 'similarity',
        ...{ origin: [EAST, NORTH], scale: SIDE * METRES },
        x: [-SHIFT.column * METRES, SIDE * METRES, 0],
        y: [SHIFT.row * METRES, 0, SIDE * METRES],
      },
    },
    matrix: [
      [1, TURN, -SHIFT.column],
      [-TURN, 1, -SHIFT.row],
      [0, 0, 1],
    ],
    quality: {
      ...{ unit: 'm', pixel: METRES, heldOut: used.filter(({ heldOut }) => heldOut).length },
      ...{ biasX: -0.6, biasY: 0.9, rmseX: 4.1, rmseY: 3.8, ce90: 8.7 },
      before: { biasX: 73.2, biasY: -46.1, rmseX: 74, rmseY: 47, ce90: 93 },
      intervals: { biasX: [-3, 2], biasY: [-1.4, 3.2], rmseX: [2.9, 5.2], rmseY: [2.6, 5], ce90: [6.5, 10.8] },
    },
    tests: [
      { name: 'agreeing points', value: used.length, limit: 4, isMost: false, passed: true },
      { name: 'spread of agreeing points', value: 0.2, limit: 0.35, isMost: false, passed: false },
      { name: 'CE90 of held-out points, px', value: Number.POSITIVE_INFINITY, limit: 5, isMost: true, passed: false },
    ],
    seconds: 4.2,
    ...changes,
  };
}

/** Structure that both sensors see: fields and roads, one value a pixel. */
function ground(column: number, row: number): number {
  const road =
    Math.abs(((column + row * 0.4) % 90) - 45) < 2 || Math.abs(((row - column * 0.2) % 120) - 60) < 2 ? 90 : 0;
  const field = 40 * (((Math.floor(column / 40) * 7 + Math.floor(row / 30) * 13) % 5) / 5);
  return 60 + road + field;
}

/** A picture of the ground as a sensor shows it, with its scene shifted. */
function picture(window: SceneView['window'], bands: 1 | 3, shift: { column: number; row: number }): Raster {
  const { column, row, width, height } = window;
  const data = new Float32Array(width * height * bands);
  const rng = Rng.derive(bands, 'speckle');
  for (let i = 0; i < width * height; i++) {
    const value = ground(column + (i % width) - shift.column, row + Math.floor(i / width) - shift.row);
    for (let band = 0; band < bands; band++) {
      data[i * bands + band] = bands === 1 ? value * (0.5 + rng.float()) : (200 - value) * (1 - 0.15 * band);
    }
  }
  return { data, width, height, bands, unit: bands === 1 ? 'amplitude' : 'digital number' };
}

export function madeView(heading: string, window: SceneView['window'], corrected = true): SceneView {
  const none = { column: 0, row: 0 };
  return {
    ...{ heading, window, sar: picture(window, 1, none), before: picture(window, 3, SHIFT) },
    ...(corrected && { after: picture(window, 3, none) }),
  };
}
