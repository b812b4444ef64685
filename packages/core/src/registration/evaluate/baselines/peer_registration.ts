/** A registration by another program, such as SIFT with RANSAC of OpenCV: it sees the same two images. */
import type { AffineTransform } from '../../../raster/raster.ts';
import { fitPlane, normalisationOf } from '../../fit_plane.ts';
import type { PlaneMap } from '../../registration.ts';
import type { OpenBaseline } from './baseline_registration.ts';
import type { Gray } from './gray.ts';

export interface PeerSearch {
  /** Pixels by which a place may have moved along each axis. */
  readonly search: number;
  /** True if a turn and a change of scale are possible. */
  readonly isTurned: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PeerImages {
  readonly sar: Gray;
  /** Shows the ground of the SAR image's corner `margin` pixels from its own along each axis, by its georeference. */
  readonly optical: Gray;
  readonly margin: number;
}

/** @returns pixels of the optical image → pixels of the SAR image; undefined where nothing is found. */
export type Peer = (images: PeerImages, search: PeerSearch) => Promise<AffineTransform | undefined>;

export async function registerByPeer(
  peer: Peer,
  scene: OpenBaseline,
  search: PeerSearch,
): Promise<PlaneMap | undefined> {
  const found = await peer(scene, search);
  if (!found) return undefined;
  const [a, b, c, d, e, f] = found;
  const { width, height } = scene.sar;
  const matches = [0, width].flatMap((x) =>
    [0, height].map((y) => {
      const [column, row] = [x + scene.margin, y + scene.margin];
      const to = scene.toGround(a + b * column + c * row, d + e * column + f * row);
      return { from: scene.opticalGround(x, y), to, covariance: [1, 0, 1] as const };
    }),
  );
  return fitPlane('affine', matches, normalisationOf(matches.map(({ from }) => from)));
}
