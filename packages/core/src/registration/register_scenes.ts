/** Registration of an optical scene to a SAR scene: coarse search, tie points, judgement. */
import { pause } from '../base/pause.ts';
import type { Watch } from '../base/watch.ts';
import { linkGround } from '../geo/ground_link.ts';
import { mapOf, openPlaced } from '../geo/place.ts';
import { transformBetween } from '../geo/reference_system.ts';
import { type Model, openNamedModel } from '../model.ts';
import { DEFAULT_MODEL } from '../named_models.ts';
import type { RasterOptions } from '../raster/open.ts';
import type { RasterWindow } from '../raster/window.ts';
import type { Store } from '../store.ts';
import { luckOf } from './chance.ts';
import { swappedScenes } from './check_scenes.ts';
import { type CoarsePlace, type CoarseSearch, coarsePlace, overhanging } from './coarse.ts';
import { coarseMap } from './coarse_correction.ts';
import { denseFeatures } from './dense_features.ts';
import { FeatureSource } from './feature_source.ts';
import { type FeatureKind, GRADIENTS, halved } from './features.ts';
import { type Frame, judge } from './judge.ts';
import type { ReadWindow } from './levels.ts';
import { matrixOf } from './matrix.ts';
import { applyAffine, IDENTITY, type PixelAffine, similarityAbout } from './pixel_affine.ts';
import type { Registration, TiePoint } from './registration.ts';
import {
  compareRoles,
  exchangedEvidence,
  exchangedPair,
  exchangedSources,
  type PlacedSources,
  type RoleAgreement,
  type Sources,
} from './roles.ts';
import { type ScenePair, SNAP, scenePair } from './scene_pair.ts';
import { type RegistrationOptions, type RegistrationSettings, registrationSettings } from './settings.ts';
import { type CellResult, cellGrid, type KindSources, searchCells } from './tie_points.ts';
import type { NamedFile } from './working_grid.ts';

export interface ScenesToRegister {
  /** Paths of the two files. */
  readonly sar: string;
  readonly optical: string;
  /** Matcher of dense features; default: the one in the box. Not needed for gradients alone. */
  readonly model?: Model | undefined;
  /** Name of the matcher, for the result. */
  readonly modelName?: string | undefined;
  readonly settings?: RegistrationOptions | undefined;
  /** True to take the scenes as they are named, however they look. */
  readonly asNamed?: boolean | undefined;
}

export interface RegistrationWatch extends Watch {
  /** Notified as a phase begins, of which `onProgress` then tells. @param unit of its progress. */
  onPhase?: ((name: 'coarse search' | 'points', unit: string) => void) | undefined;
}

/**
 * Registers an optical scene to a SAR scene. A registration that must not be trusted is returned as refused, with the reason.
 *
 * @throws UsageError where the two have no place, do not overlap, hold no values, or match better when exchanged.
 * @throws FileError or FormatError where a file cannot be read. @throws the signal's reason when aborted.
 */
export async function registerScenes(
  store: Store,
  scenes: ScenesToRegister,
  watch: RegistrationWatch = {},
): Promise<Registration> {
  const settings = registrationSettings.parse(scenes.settings ?? {});
  const started = performance.now();
  const sar = await openNamed(store, scenes.sar, { unit: settings.sarUnit });
  const optical = await openNamed(store, scenes.optical);
  const model = settings.features === 'gradients' ? undefined : (scenes.model ?? (await openNamedModel()));
  try {
    const found = await registerFiles(sar, optical, model, settings, watch, scenes.asNamed);
    const matcher = model && { name: nameOfMatcher(scenes), fingerprint: model.info.fingerprint };
    return { ...found, matcher, seconds: (performance.now() - started) / 1000 };
  } finally {
    if (model !== scenes.model) model?.dispose();
    await Promise.all([sar.file.close(), optical.file.close()]);
  }
}

const nameOfMatcher = ({ model, modelName }: ScenesToRegister) =>
  modelName ?? (model ? model.info.preset : DEFAULT_MODEL);

const openNamed = async (store: Store, name: string, options: RasterOptions = {}): Promise<NamedFile> => ({
  file: await openPlaced(store, name, options),
  name,
});

/**
 * Registers files that are open and placed, as an evaluation that displaces one of them does.
 *
 * @param model for dense features. @param asNamed true to take the roles as named, however the scenes match.
 */
export async function registerFiles(
  sar: NamedFile,
  optical: NamedFile,
  model: Model | undefined,
  settings: RegistrationSettings,
  watch: RegistrationWatch,
  asNamed = false,
): Promise<Omit<Registration, 'seconds'>> {
  const pair = await scenePair(sar, optical, settings);
  await pause(watch.signal);
  const kinds = kindsOf(model, settings);
  const base = pair.through(IDENTITY);
  const covered = shifted(pair.grid.covered, base.place);
  const sources = kinds.map((kind) => ({
    sar: new FeatureSource(kind, 'sar', pair.sar),
    optical: new FeatureSource(kind, 'optical', base.read),
  }));
  const lattice = cellGrid(pair.grid, settings.cells);
  watch.onPhase?.('coarse search', 'steps');
  const { signal, onProgress } = watch;
  const options = { ...searchOf(pair, settings), ...{ covered, signal, onProgress } };
  const coarse = await coarsePlace(sources[0]!.sar, sources[0]!.optical, options);
  const isFound = coarse !== undefined && !isLuck(coarse, settings);
  const frame = coarse && frameOf(pair, coarse, base, covered, sources);
  if (frame && model && !asNamed) {
    const named = { pair, kind: kinds[0]!, covered, frame, isFound };
    const roles = await rolesOf(named, coarse, options, settings);
    const evidence = roles && exchangedEvidence(roles);
    if (evidence) throw swappedScenes(sar.name, optical.name, evidence);
  }
  const head = headOf(sar, optical, pair, settings);
  if (!isFound || !frame) return { ...head, ...noCoarseAgreement(coarse, settings) };
  const search = {
    ...{ grid: lattice, side: settings.side, search: settings.search, settings, model },
    ...{ expected: frame.expected, first: frame.kinds[0]!, second: frame.kinds[1] },
  };
  watch.onPhase?.('points', 'cells');
  const cells = await searchCells(search, watch);
  const stated = statedBy(sar, optical, pair, frame.place);
  const points = cells.map((cell, id) => tiePoint(id, cell, stated));
  const second = frame.kinds[1] && cells.map((cell, id) => tiePoint(id, secondOf(cell), stated));
  const files = judgeFrame(sar, optical, pair, settings);
  const judged = judge(points, { ...files, second });
  const { rotation, scale, agreeing, windows } = coarse;
  const [x, y] = [coarse.column + base.place[0], coarse.row + base.place[3]]; // what snapping left
  const found = { ...head, coarse: { column: x, row: y, rotation, scale, agreeing, windows }, ...judged };
  if (judged.correction) return found;
  const map = coarseMap(pair.grid, similarityAbout(middleOf(pair), { ...coarse, column: x, row: y }));
  return { ...found, correction: { crs: pair.grid.crs, map }, matrix: matrixOf(map, files) };
}

/** A window of the working grid in pixels of a frame that lies a few pixels off. */
const shifted = (window: RasterWindow, place: PixelAffine): RasterWindow => ({
  ...window,
  column: window.column - Math.round(place[0]),
  row: window.row - Math.round(place[3]),
});

const middleOf = ({ grid: { width, height } }: ScenePair) => [width / 2, height / 2] as const;

const kindsOf = (model: Model | undefined, { features, views }: RegistrationSettings): FeatureKind[] => [
  ...(model ? [denseFeatures(model, views)] : []),
  ...(features === 'gradients' ? [GRADIENTS] : features === 'both' ? [halved(GRADIENTS)] : []),
];

const searchOf = ({ grid }: ScenePair, { rotation, scale, search }: RegistrationSettings) => ({
  ...{ area: grid, radius: grid.radius + SNAP, margin: search + SNAP, rotation, scale },
});

/** Decimal logarithm of luck above which blocks do not agree. */
const LUCK = -2;

const isLuck = (
  { windows, agreeing, share }: Pick<CoarsePlace, 'windows' | 'agreeing' | 'share'>,
  { rotation, scale }: Pick<RegistrationSettings, 'rotation' | 'scale'>,
) => luckOf(rotation > 0 || scale > 0 ? 'similarity' : 'shift', windows, agreeing, share) > LUCK;

/** Reason why few windows cannot agree beyond luck; undefined where one of them may err. */
export function tooFewWindows(
  coarse: Pick<CoarsePlace, 'windows' | 'share'>,
  settings: Pick<RegistrationSettings, 'rotation' | 'scale'>,
): string | undefined {
  const { windows } = coarse;
  const wouldBeLuck = (agreeing: number) => isLuck({ ...coarse, agreeing }, settings);
  if (!wouldBeLuck(windows - 1)) return undefined;
  const needed = wouldBeLuck(windows) ? 'which cannot beat luck' : 'of which all must agree to beat luck';
  return `the scene has room for ${windows} ${windows === 1 ? 'window' : 'windows'} only, ${needed}: use a larger scene`;
}

function noCoarseAgreement(coarse: CoarsePlace | undefined, settings: RegistrationSettings) {
  const found = coarse ? `${coarse.agreeing} of ${coarse.windows} windows agree` : 'no window has data in both scenes';
  const small = coarse && tooFewWindows(coarse, settings);
  const reason = `no coarse agreement: ${found}${small ? `; ${small}` : ''}`;
  return { status: 'refused' as const, reason, points: [], ladder: [] };
}

function headOf(sar: NamedFile, optical: NamedFile, { grid }: ScenePair, { features }: RegistrationSettings) {
  const sceneOf = ({ file, name }: NamedFile) => ({
    file: name,
    width: file.width,
    height: file.height,
    crs: file.crs!,
  });
  const { crs, transform, width, height, metres, radius } = grid;
  return {
    ...{ sar: sceneOf(sar), optical: sceneOf(optical), features, radius },
    grid: { crs, transform: [...transform], width, height, metres },
  };
}

/** A pair as named, and where its scenes agree best. */
interface NamedPair {
  readonly pair: ScenePair;
  readonly kind: FeatureKind;
  readonly covered: RasterWindow;
  readonly frame: SearchFrame;
  /** False where luck explains the place. */
  readonly isFound: boolean;
}

/** Agreement of the roles as named and exchanged; undefined where the scenes are found neither way. */
async function rolesOf(
  { pair, kind, covered, frame, isFound }: NamedPair,
  coarse: CoarsePlace,
  search: CoarseSearch,
  settings: RegistrationSettings,
): Promise<RoleAgreement | undefined> {
  const other = exchangedPair(pair);
  const base = other.through(IDENTITY);
  const sources = exchangedSources(kind, other.sar, base.read);
  const place = isFound ? coarse : await coarsePlace(sources.sar, sources.optical, search);
  if (!place || (!isFound && isLuck(place, settings))) return undefined;
  const there = frameOf(other, place, base, covered, [sources]);
  const placed = ({ kinds: [first], expected }: SearchFrame): PlacedSources => ({ ...first!, expected });
  return compareRoles(placed(frame), placed(there), pair.grid, search.signal);
}

/** The frame in which points are searched for. */
interface SearchFrame {
  /** Position in the working grid of what the optical file shows in a pixel of the frame. */
  readonly place: PixelAffine;
  readonly expected: readonly [number, number];
  readonly kinds: readonly KindSources[];
}

/**
 * The frame in which points are searched: after a mere shift the features of the coarse search serve again, displaced by whole
 * cells; after a turn or stretch the optical scene is read through the coarse place.
 */
function frameOf(
  pair: ScenePair,
  coarse: CoarsePlace,
  base: { readonly read: ReadWindow; readonly place: PixelAffine },
  covered: RasterWindow,
  sources: readonly Sources[],
): SearchFrame {
  if (coarse.rotation === 0 && coarse.scale === 1) {
    const offset = [Math.round(coarse.column / 8) * 8, Math.round(coarse.row / 8) * 8] as const;
    const [x, xc, xr, y, yc, yr] = base.place;
    const place: PixelAffine = [x + offset[0], xc, xr, y + offset[1], yc, yr];
    const expected = [coarse.column - offset[0], coarse.row - offset[1]] as const;
    const limits = overhanging(covered);
    return { place, expected, kinds: sources.map((each) => ({ ...each, offset, limits })) };
  }
  const { read, place } = pair.through(similarityAbout(middleOf(pair), coarse));
  const kinds = sources.map(({ sar, optical }) => ({ sar, optical: optical.reading(read), offset: [0, 0] as const }));
  return { place, expected: [0, 0], kinds };
}

/** Positions of a point in both files, by their georeferences. */
interface Stated {
  /** Position in the working grid of what the optical file shows in a pixel of the frame. */
  readonly place: PixelAffine;
  readonly toGround: (column: number, row: number) => [number, number];
  readonly toSar: (column: number, row: number) => [number, number];
  readonly toOptical: (column: number, row: number) => [number, number];
}

function statedBy(sar: NamedFile, optical: NamedFile, { grid }: ScenePair, place: PixelAffine): Stated {
  const linkOf = ({ file, name }: NamedFile) => linkGround(grid, file, name).toFile;
  const [toSar, toOptical] = [linkOf(sar), linkOf(optical)];
  return {
    place,
    toGround: (column, row) => grid.map.toGround(column, row),
    toSar: (column, row) => toSar(column, row),
    toOptical: (column, row) => toOptical(column, row),
  };
}

function tiePoint(
  id: number,
  { cell, reason, template, match, backward, probability }: CellResult,
  stated: Stated,
): TiePoint {
  const [x, y] = [template.column + template.width / 2, template.row + template.height / 2];
  const base = { id, cell, reason, heldOut: false, sar: stated.toSar(x, y), sarGround: stated.toGround(x, y) };
  if (!match) return base;
  const [column, row] = applyAffine(stated.place, x + match.column, y + match.row);
  return {
    ...base,
    optical: stated.toOptical(column, row),
    opticalGround: stated.toGround(column, row),
    offset: { column: column - x, row: row - y },
    covariance: match.covariance,
    ...{ peak: match.peak.value, ratio: match.peak.ratio || undefined, backward, probability },
  };
}

/** The cell as the other kind of features sees it. */
const secondOf = ({ cell, template, reason, second }: CellResult): CellResult =>
  second
    ? { cell, template, reason: second.reason, match: second.match }
    : { cell, template, reason: reason === 'used' ? 'outside' : reason };

function judgeFrame(sar: NamedFile, optical: NamedFile, { grid }: ScenePair, settings: RegistrationSettings): Frame {
  const { crs, transform, width, height, metres } = grid;
  const toWorking = transformBetween(optical.file.crs!, crs, optical.name);
  const toSarSystem = transformBetween(crs, sar.file.crs!, sar.name);
  const [sarMap, opticalMap] = [mapOf(sar.file)!, mapOf(optical.file)!];
  return {
    grid: { crs, transform: [...transform], width, height, metres },
    ...{ sar: sar.file, optical: optical.file, search: settings.search, seed: settings.seed },
    ...(settings.fit !== 'auto' && { kinds: [settings.fit] }),
    turn: Math.max((settings.rotation * Math.PI) / 180, settings.scale),
    opticalToGround: ([column, row]) => toWorking(...opticalMap.toGround(column, row)),
    sarToPixel: ([x, y]) => sarMap.toPixel(...toSarSystem(x, y)),
  };
}
