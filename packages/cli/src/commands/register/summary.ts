/** A registration in short, as text. */
import { countReasons, type Reason, type Registration, type Summary } from '@doppel/core/registration';

/** Lines for a reader: verdict, points, ladder, quality, files. */
export function summaryText(registration: Registration, { files, seconds }: Summary): string {
  return [
    verdictText(registration),
    pointsText(registration),
    ...ladderText(registration),
    ...qualityText(registration),
    ...itemText(files),
    `${seconds.toFixed(1)} s; written: ${Object.values(files).join(', ')}`,
  ].join('\n');
}

function itemText({ aligned, stac }: Summary['files']): string[] {
  if (aligned === undefined || stac !== undefined) return [];
  return ['no item.json: nothing says when the aligned scene was taken; --datetime states it'];
}

function verdictText(registration: Registration): string {
  const { status, caveats = [] } = registration;
  const told = caveats.map((caveat) => `\n  ! ${caveat}`).join('');
  if (status === 'trusted') return told ? `trusted, but mind:${told}` : 'trusted';
  return `refused: ${registration.reason ?? 'no reason was given'}${adviceOn(registration)}${told}`;
}

/** Share of cells from which one reason explains a refusal. */
const MOST = 0.6;

/** The way out of a refusal, where its cells show one. */
export function adviceOn(registration: Registration): string {
  const { points } = registration;
  const share = (...reasons: Reason[]) =>
    points.length === 0 ? 0 : points.filter(({ reason }) => reasons.includes(reason)).length / points.length;
  if (share('no data') > MOST)
    return '\n  most cells hold no samples of one of the scenes: check extents and no-data values';
  if (share('flat', 'no data') > MOST) {
    return '\n  most cells have no structure: clouds, water or even ground; try another date or a larger part of the scene';
  }
  if (share('at the border of the search') > MOST / 2) {
    return '\n  many matches lie at the border of the search: try a larger --radius, or --rotation and --scale';
  }
  if (share('weak', 'ambiguous', 'repetitive', 'rejected by the verifier', 'not confirmed backwards') > MOST) {
    return '\n  most cells are not found again: clouds, water or ground that looks alike; try another date or a larger part of the scene';
  }
  return registration.coarse || /room for \d+ windows? only/.test(registration.reason ?? '') // its way out stands there
    ? ''
    : '\n  nothing agrees within the search: try a larger --radius (scene: anywhere), --rotation or --scale; if clouds or water cover the scene, another date';
}

function pointsText(registration: Registration): string {
  const { used, ...others } = countReasons(registration);
  const named = Object.entries(others).filter(([, count]) => count > 0);
  const rest = named.length > 0 ? `; ${named.map(([reason, count]) => `${count} ${reason}`).join(', ')}` : '';
  return `points: ${used} of ${registration.points.length} cells used${rest}`;
}

function ladderText({ ladder }: Registration): string[] {
  return ladder.map(({ kind, parameters, crossValidated, inliers, chosen }) => {
    const error = crossValidated === undefined ? 'too few points' : `${crossValidated.toFixed(2)} px`;
    return `  ${chosen ? '→' : ' '} ${kind.padEnd(10)} ${String(parameters).padStart(3)} parameters  ${error.padStart(14)}  ${inliers} agree`;
  });
}

function qualityText({ quality }: Registration): string[] {
  if (!quality) return [];
  const { ce90, biasX, biasY, rmseX, rmseY, heldOut, pixel, before, intervals } = quality;
  const metres = (value: number) => value.toFixed(1);
  const range = `${intervals.ce90.map(metres).join(' to ')}, from ${heldOut} points`;
  return [
    `at ${heldOut} held-out points: CE90 ${metres(ce90)} m (${range}; ${(ce90 / pixel).toFixed(2)} px), before ${metres(before.ce90)} m`,
    `  RMSE ${metres(rmseX)}, ${metres(rmseY)} m; bias ${metres(biasX)}, ${metres(biasY)} m (x, y)`,
  ];
}
