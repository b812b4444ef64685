/**
 * Truth of a pair of scenes that is better than their georeferences: the misalignment that mutual information and oriented
 * gradients find between them as they are, neither of which is the matcher that is judged.
 */
import type { Store } from '../../store.ts';
import { affineOf, mapPoint } from '../plane_map.ts';
import type { GroundPosition, PlaneMap } from '../registration.ts';
import { openBaseline, repairByBaseline } from './baselines/baseline_registration.ts';

export interface RepairedTruth {
  /** Ground as the optical file states it → ground as the SAR file states it, as an affine transform. */
  readonly transform: readonly number[];
  /** Largest distance of both estimates at the corners, in pixels. */
  readonly apart: number;
  readonly accepted: boolean;
}

/** Templates are large, for one estimate of each scene is what counts. */
const OPTIONS = { side: 128, search: 28, cells: 8 } as const;
/** Pixels by which two estimates of one truth may differ. */
const TOLERANCE = 2;

export async function repairedTruth(
  store: Store,
  files: { readonly sar: string; readonly optical: string },
  corners: readonly GroundPosition[],
  seed: number,
  signal?: AbortSignal,
): Promise<RepairedTruth> {
  const scene = await openBaseline(store, files, { radius: '32px' }, OPTIONS.search);
  const options = { ...OPTIONS, seed, signal, kinds: ['shift', 'similarity', 'affine'] as const };
  const [a, b] = [
    await repairByBaseline('mutual information', scene, options),
    await repairByBaseline('CFOG', scene, options),
  ];
  if (!a || !b) return { transform: [0, 1, 0, 0, 0, 1], apart: Number.POSITIVE_INFINITY, accepted: false };
  const apart = largestDistance(a, b, corners) / scene.pixel;
  const [x, y] = [corners.map(([each]) => each), corners.map(([, each]) => each)];
  const bounds = [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)] as const;
  const [first, second] = [affineOf(a, bounds), affineOf(b, bounds)];
  return { transform: first.map((each, i) => (each + second[i]!) / 2), apart, accepted: apart <= TOLERANCE };
}

function largestDistance(a: PlaneMap, b: PlaneMap, positions: readonly GroundPosition[]): number {
  return Math.max(
    ...positions.map((position) => {
      const [[ax, ay], [bx, by]] = [mapPoint(a, position), mapPoint(b, position)];
      return Math.hypot(ax - bx, ay - by);
    }),
  );
}
