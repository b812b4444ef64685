/** A registration by an older method: its votes on the windows of the pair, and the same robust models. */
import { openPlaced } from '../../../geo/place.ts';
import type { Store } from '../../../store.ts';
import { correlatedFit, USUAL_SLOPE } from '../../correlated_fit.ts';
import { normalisationOf } from '../../fit_plane.ts';
import { type CellMatch, climb } from '../../ladder.ts';
import { applyAffine, IDENTITY } from '../../pixel_affine.ts';
import type { GroundPosition, ModelKind, PlaneMap } from '../../registration.ts';
import { scenePair } from '../../scene_pair.ts';
import { type RegistrationOptions, registrationSettings } from '../../settings.ts';
import { type BaselineOptions, type BaselineScene, type BaselineVote, baselineVotes } from './baseline_votes.ts';
import { grayOf } from './gray.ts';
import type { Baseline } from './methods.ts';

/** Both scenes on the working grid. */
export interface OpenBaseline extends BaselineScene {
  readonly pixel: number;
  /** Ground of a place of the SAR image, and of the place of the optical image that shows it. */
  toGround(column: number, row: number): GroundPosition;
  opticalGround(column: number, row: number): GroundPosition;
}

/** Reads both scenes whole: those of the evaluation are small. @param margin multiple of 4, in pixels. */
export async function openBaseline(
  store: Store,
  files: { readonly sar: string; readonly optical: string },
  settings: RegistrationOptions,
  margin: number,
): Promise<OpenBaseline> {
  const [sar, optical] = [
    { file: await openPlaced(store, files.sar), name: files.sar },
    { file: await openPlaced(store, files.optical), name: files.optical },
  ];
  try {
    const pair = await scenePair(sar, optical, registrationSettings.parse(settings));
    const { width, height, map, transform } = pair.grid;
    const { read, place } = pair.through(IDENTITY);
    const wide = { column: -margin, row: -margin, width: width + 2 * margin, height: height + 2 * margin };
    return {
      ...{
        sar: grayOf(await pair.sar({ column: 0, row: 0, width, height })),
        optical: grayOf(await read(wide)),
        margin,
      },
      pixel: Math.sqrt(Math.abs(transform[1] * transform[5])),
      toGround: (column, row) => map.toGround(column, row),
      opticalGround: (column, row) => map.toGround(...applyAffine(place, column, row)),
    };
  } finally {
    await Promise.all([sar.file.close(), optical.file.close()]);
  }
}

/** Distance in pixels within which votes agree. */
const GATE = 3;

export interface BaselineFitOptions extends BaselineOptions {
  readonly kinds: readonly ModelKind[];
  readonly seed: number;
}

/** Correction by the votes of a method; undefined where no votes agree. */
export const registerByBaseline = async (method: Baseline, scene: OpenBaseline, options: BaselineFitOptions) =>
  (await fitted(method, scene, options)).chosen?.fit.map;

/**
 * The same by generalised least squares, for files whose georeferences nobody has displaced: their slopes are small, and
 * neighbouring votes err alike.
 */
export async function repairByBaseline(
  method: Baseline,
  scene: OpenBaseline,
  options: BaselineFitOptions,
): Promise<PlaneMap | undefined> {
  const { matches, normalisation, chosen } = await fitted(method, scene, options);
  const agreeing = chosen?.fit.inliers.map((i) => matches[i]!) ?? [];
  const slopes = { turn: USUAL_SLOPE, shear: USUAL_SLOPE };
  return correlatedFit('affine', agreeing, { ...normalisation, pixel: scene.pixel, slopes })?.map;
}

/** Votes of a method, and the model that most of them agree on. */
async function fitted(method: Baseline, scene: OpenBaseline, { kinds, seed, ...options }: BaselineFitOptions) {
  const votes = await baselineVotes(method, scene, options);
  const matches = votes.map((vote) => matchOf(vote, scene));
  const { pixel } = scene;
  const normalisation = normalisationOf(matches.map(({ from }) => from));
  const { chosen } = climb(matches, { ...normalisation, gate: GATE * pixel, pixel, seed, kinds });
  return { matches, normalisation, chosen };
}

function matchOf({ cell, at: [column, row], offset }: BaselineVote, scene: OpenBaseline): CellMatch {
  const from = scene.opticalGround(column + offset.column, row + offset.row);
  const variance = scene.pixel ** 2;
  return { cell, from, to: scene.toGround(column, row), covariance: [variance, 0, variance] };
}
