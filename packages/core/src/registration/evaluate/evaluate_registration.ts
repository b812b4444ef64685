/**
 * Evaluation of registrations against known displacements, by the protocol of docs/registration.md: levels of displacement,
 * pairs of different places, small areas, and older methods on the same windows. Seeded and resumable.
 */
import { parseJson } from '../../base/parse_json.ts';
import { pause } from '../../base/pause.ts';
import { Rng } from '../../base/random.ts';
import type { Watch } from '../../base/watch.ts';
import { FormatError } from '../../errors.ts';
import { affineMap } from '../../geo/pixel_map.ts';
import { openPlaced } from '../../geo/place.ts';
import type { AffineTransform } from '../../raster/raster.ts';
import { readText, type Store } from '../../store.ts';
import { mahalanobis } from '../fit_plane.ts';
import { fitAgain } from '../judge.ts';
import { ELLIPSE_90 } from '../noise.ts';
import { mapPoint } from '../plane_map.ts';
import type { GroundPosition, PlaneMap, Registration } from '../registration.ts';
import { type RegistrationOptions, registrationSettings } from '../settings.ts';
import { openBaseline, registerByBaseline } from './baselines/baseline_registration.ts';
import type { Baseline } from './baselines/methods.ts';
import { type Peer, registerByPeer } from './baselines/peer_registration.ts';
import { cropPair } from './crop_pair.ts';
import { displacedTransform, drawDisplacement, groundOf } from './displacement.ts';
import { type EvaluationRow, evaluationRow } from './evaluation_row.ts';
import { type Place, placedStore } from './placed_store.ts';
import { DIFFERENT, isTurned, LEVELS, type Level, SMALL, UNTOLD } from './protocol.ts';
import { repairedTruth } from './repaired_truth.ts';

export interface EvaluationScene {
  readonly id: string;
  /** Paths; both files lie on the same ground and have the same size in pixels. */
  readonly sar: string;
  readonly optical: string;
}

export interface EvaluationOptions {
  readonly scenes: readonly EvaluationScene[];
  /** The product, with settings beside those of the level. */
  readonly register: (
    store: Store,
    files: { readonly sar: string; readonly optical: string; readonly settings: RegistrationOptions },
    watch: Watch,
  ) => Promise<Registration>;
  /** Ways to run the product, by name. */
  readonly ways: Readonly<Record<string, RegistrationOptions>>;
  readonly baselines: readonly Baseline[];
  /** Registrations by other programs, by name. */
  readonly peers?: Readonly<Record<string, Peer>> | undefined;
  /** Names of the tasks to do, of `TASKS`. Default: all. */
  readonly tasks?: readonly string[] | undefined;
  /** Estimates the scenes' own misalignment first; default: true. */
  readonly repaired?: boolean | undefined;
  /** Small areas of each scene; default: those of the protocol. */
  readonly areas?: number | undefined;
  readonly seed: number;
  /** File of rows; those in it are not computed again. */
  readonly output: string;
}

/** Levels whose displacement is of the whole scene. */
const WHOLE = [...LEVELS, UNTOLD];

export const TASKS: readonly string[] = [...WHOLE.map(({ name }) => name), DIFFERENT.name, SMALL.level.name];

/** One registration to be done. */
interface Task {
  readonly name: string;
  readonly scene: EvaluationScene;
  readonly method: string;
  readonly draw: number;
  /** Registers. @returns what then says what was found: that takes none of the registration's time. */
  run(signal: AbortSignal | undefined): Promise<() => Found | Promise<Found>>;
}

type Found = Omit<EvaluationRow, 'key' | 'task' | 'scene' | 'method' | 'draw' | 'seconds'>;

const keyOf = ({ name, scene, method, draw }: Pick<Task, 'name' | 'scene' | 'method' | 'draw'>) =>
  [name, scene.id, method, draw].join(' | ');

/** Computes the rows that are not in the output yet, and returns all. @throws the signal's reason when aborted. */
export async function evaluateRegistration(
  store: Store,
  options: EvaluationOptions,
  watch: Watch = {},
): Promise<EvaluationRow[]> {
  const rows = await rowsOf(store, options.output);
  const done = new Set(rows.map(({ key }) => key));
  const tasks = tasksOf(store, options);
  const [left, before] = [tasks.filter((task) => !done.has(keyOf(task))), tasks.length];
  for (const [i, task] of left.entries()) {
    await pause(watch.signal);
    const started = performance.now();
    const describe = await task.run(watch.signal);
    const seconds = Number(((performance.now() - started) / 1000).toFixed(2));
    const { name, method, draw, scene } = task;
    const row = { key: keyOf(task), task: name, scene: scene.id, method, draw, ...(await describe()), seconds };
    await store.append(options.output, `${JSON.stringify(row)}\n`);
    rows.push(row);
    watch.onProgress?.(before - left.length + i + 1, before);
  }
  return rows;
}

/** Rows of an output; none where it is not there yet. @throws FormatError where a line is no row. */
export async function rowsOf(store: Store, output: string): Promise<EvaluationRow[]> {
  if (!(await store.stat(output))) return [];
  const lines = (await readText(store, output)).split('\n');
  return lines.flatMap((line, i) => {
    if (line === '') return [];
    return parseJson(evaluationRow, line, (found, cause) => {
      return new FormatError({
        ...{ action: 'go on with the evaluation', file: output, line: i + 1, expected: 'a row of it', found, cause },
        remedy: 'Remove the line: it was cut short when an evaluation was killed. The rest is not computed again.',
      });
    });
  });
}

function tasksOf(store: Store, options: EvaluationOptions): Task[] {
  const wanted = new Set(options.tasks ?? TASKS);
  const truths = new Map<string, Promise<AffineTransform | undefined>>();
  const truthOf = (scene: EvaluationScene) => {
    if (options.repaired === false) return Promise.resolve(undefined);
    const truth = truths.get(scene.id) ?? openTruth(store, scene, options.seed);
    truths.set(scene.id, truth);
    return truth;
  };
  const bench: Bench = { ...options, store, truthOf };
  return options.scenes.flatMap((scene, i) => [
    ...WHOLE.filter(({ name }) => wanted.has(name)).flatMap((level) => levelTasks(bench, level, scene)),
    ...(wanted.has(DIFFERENT.name) ? differentTasks(bench, scene, i) : []),
    ...(wanted.has(SMALL.level.name) ? smallTasks(bench, scene) : []),
  ]);
}

interface Bench extends EvaluationOptions {
  readonly store: Store;
  /** Ground by the optical file → ground by the SAR file; undefined where the truth is unknown. */
  truthOf(scene: EvaluationScene): Promise<AffineTransform | undefined>;
}

async function openTruth(store: Store, scene: EvaluationScene, seed: number): Promise<AffineTransform | undefined> {
  const { width, height, transform } = await placeOf(store, scene.optical);
  const { transform: truth, accepted } = await repairedTruth(store, scene, cornersOf(transform, width, height), seed);
  return accepted ? (truth as unknown as AffineTransform) : undefined;
}

async function placeOf(store: Store, path: string): Promise<Place & { width: number; height: number }> {
  const file = await openPlaced(store, path);
  await file.close();
  return { crs: file.crs!, transform: file.transform!, width: file.width, height: file.height };
}

const cornersOf = (transform: AffineTransform, width: number, height: number): GroundPosition[] =>
  [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ].map(([column, row]) => groundOf(transform, column!, row!));

/** A pair with a displaced optical georeference. */
interface Displaced {
  readonly store: Store;
  readonly sar: string;
  readonly optical: string;
  readonly settings: RegistrationOptions;
  /** Ground of the corners of the optical file: as displaced, and in truth by the raw georeference. */
  readonly stated: readonly GroundPosition[];
  readonly raw: readonly GroundPosition[];
  readonly sarTransform: AffineTransform;
}

async function displace(
  store: Store,
  files: { sar: string; optical: string },
  level: Level,
  seed: number,
  id: string,
  draw: number,
  truePlace?: Place,
): Promise<Displaced> {
  const [sar, optical] = [await placeOf(store, files.sar), await placeOf(store, files.optical)];
  const { crs, transform } = truePlace ?? optical;
  const displaced = displacedTransform(transform, optical, drawDisplacement(level, seed, id, draw));
  return {
    ...{ sar: files.sar, optical: files.optical, settings: level.settings, sarTransform: sar.transform },
    store: placedStore(store, new Map([[files.optical, { crs, transform: displaced }]])),
    stated: cornersOf(displaced, optical.width, optical.height),
    raw: cornersOf(transform, optical.width, optical.height),
  };
}

function levelTasks(bench: Bench, level: Level, scene: EvaluationScene): Task[] {
  const draws = Array.from({ length: level.draws }, (_, draw) => draw);
  return draws.flatMap((draw) => {
    const open = () => displace(bench.store, scene, level, bench.seed, scene.id, draw);
    return methodTasks(bench, level, scene, draw, open);
  });
}

/** A displacement by every method: the product's ways, and the older ones. */
function methodTasks(
  bench: Bench,
  level: Level,
  scene: EvaluationScene,
  draw: number,
  open: () => Promise<Displaced>,
): Task[] {
  return [
    ...Object.entries(bench.ways).map(
      ([method, settings]): Task => ({
        ...{ name: level.name, scene, method, draw },
        run: async (signal) => {
          const pair = await open();
          const found = await byProduct(pair, settings, bench, signal);
          return async () => {
            const corners = cornersFound(found.correction?.map, pair, await bench.truthOf(scene));
            return { ...factsOf(found), ...corners, ...shiftOf(found, level, pair, settings) };
          };
        },
      }),
    ),
    ...olderMethods(bench, level, scene, draw).map(
      (method): Task => ({
        ...{ name: level.name, scene, method, draw },
        run: async (signal) => {
          const pair = await open();
          const map = await byBaseline(method, pair, level, bench, signal);
          const status = map ? 'trusted' : 'failed';
          return async () => ({ status, ...cornersFound(map, pair, await bench.truthOf(scene)) });
        },
      }),
    ),
  ];
}

/**
 * CFOG runs wherever the product does. The others, slower and weaker, see all scenes of the first level, but one draw, and
 * one scene in four of the others; of small areas, the first four of each scene.
 */
function olderMethods(
  { baselines, peers = {}, scenes, seed }: Bench,
  level: Level,
  scene: EvaluationScene,
  draw: number,
) {
  const place = scenes.findIndex(({ id }) => id === scene.id) + seed;
  const isSeen =
    level === LEVELS[0] || level === SMALL.level ? draw < Math.ceil(level.draws / THINNED) : place % THINNED === 0;
  return [...baselines, ...Object.keys(peers)].filter((method) => method === 'CFOG' || isSeen);
}

const THINNED = 4;

/** The optical scene of another place, with the georeference of this one. */
function differentTasks(bench: Bench, scene: EvaluationScene, i: number): Task[] {
  const { scenes } = bench;
  const other = scenes[(i + Math.max(1, Math.floor(scenes.length / 2))) % scenes.length]!;
  if (other.id === scene.id) return [];
  const files = { sar: scene.sar, optical: other.optical };
  return Object.entries(bench.ways).map(([method, settings]) => ({
    ...{ name: DIFFERENT.name, scene, method, draw: 0 },
    run: async (signal) => {
      const place = await placeOf(bench.store, scene.optical);
      const pair = await displace(bench.store, files, DIFFERENT, bench.seed, scene.id, 0, place);
      const found = await byProduct(pair, settings, bench, signal);
      return () => factsOf(found);
    },
  }));
}

function smallTasks(bench: Bench, scene: EvaluationScene): Task[] {
  const { level, side } = SMALL;
  return Array.from({ length: bench.areas ?? level.draws }, (_, draw) => draw).flatMap((draw) => {
    const open = async () => {
      const { width, height } = await placeOf(bench.store, scene.sar);
      const rng = Rng.derive(bench.seed, 'small area', scene.id, draw);
      const window = { column: rng.int(width - side), row: rng.int(height - side), width: side, height: side };
      const pair = await cropPair(bench.store, scene, window);
      return displace(pair.store, pair, level, bench.seed, scene.id, draw, pair.places.optical);
    };
    return methodTasks(bench, level, scene, draw, open);
  });
}

type Pixels = [number, number][];

/** Corners as found and in truth, in pixels of the SAR file. */
function cornersFound(map: PlaneMap | undefined, pair: Displaced, truth: AffineTransform | undefined) {
  const toSar = affineMap(pair.sarTransform);
  const rounded = (value: number) => Number(value.toFixed(4)) + 0; // −0 is written as 0
  const pixels = (grounds: readonly GroundPosition[]): Pixels =>
    grounds.map(([x, y]) => toSar.toPixel(x, y).map(rounded) as [number, number]);
  return {
    ...(map && { corners: pixels(pair.stated.map((corner) => mapPoint(map, corner))) }),
    raw: pixels(pair.raw),
    ground: pair.raw.map(([x, y]) => [x, y] as [number, number]),
    ...(truth && { repaired: pixels(pair.raw.map(([x, y]) => groundOf(truth, x, y))) }),
  };
}

function byProduct(
  { store, sar, optical, settings }: Displaced,
  way: RegistrationOptions,
  { register }: Bench,
  signal: AbortSignal | undefined,
): Promise<Registration> {
  return register(store, { sar, optical, settings: { ...settings, ...way } }, { signal });
}

/** Corners by the best shift, where a shift may explain the level; a small area tells a shift alone as it is. */
function shiftOf(found: Registration, level: Level, pair: Displaced, way: RegistrationOptions): Pick<Found, 'shift'> {
  if (level === SMALL.level || isTurned(level)) return {};
  const { search, seed } = registrationSettings.parse({ ...pair.settings, ...way });
  const shift = fitAgain(found.points, 'shift', { grid: found.grid, search, seed });
  return shift ? { shift: cornersFound(shift, pair, undefined).corners } : {};
}

/** Verdict and figures of a registration, without places. */
function factsOf(found: Registration): Found {
  const held = found.points.filter(({ heldOut }) => heldOut);
  const near = held.filter(({ reason }) => reason === 'used');
  const within = near.filter(
    ({ residual, covariance }) =>
      residual && covariance && mahalanobis([residual.column, residual.row], covariance) <= ELLIPSE_90,
  );
  const model = found.ladder.find(({ chosen }) => chosen)?.kind;
  return {
    status: found.status,
    ...(found.reason !== undefined && { reason: found.reason }),
    ...(model && { model }),
    heldOut: [held.length, near.length, within.length],
    used: found.points.filter(({ reason }) => reason === 'used').length,
    tests: Object.fromEntries(
      (found.tests ?? []).map(({ name, value }) => [name, Number.isFinite(value) ? value : null]),
    ),
  };
}

/** Templates of a baseline: as the prototype's, on the windows of the level; as in the small areas, three by three. */
const TEMPLATES = { whole: { side: 96, cells: 8 }, small: { side: 64, cells: 3 } } as const;

async function byBaseline(
  method: string,
  pair: Displaced,
  level: Level,
  { seed, peers }: Bench,
  signal: AbortSignal | undefined,
): Promise<PlaneMap | undefined> {
  const isSmall = level === SMALL.level;
  // What a rotation and a change of scale move at the end of half a scene of 1,024 pixels is searched as well.
  const told = { rotation: level.settings.rotation ?? 0, scale: level.settings.scale ?? 0 };
  const lever = 512 * Math.hypot((told.rotation * Math.PI) / 180, told.scale);
  const search = 4 * Math.ceil((isSmall ? 32 : level.shift + 10 + lever) / 4);
  const scene = await openBaseline(pair.store, pair, level.settings, search);
  const peer = peers?.[method];
  if (peer) return registerByPeer(peer, scene, { search, isTurned: isTurned(told), signal });
  return registerByBaseline(method as Baseline, scene, {
    ...TEMPLATES[isSmall ? 'small' : 'whole'],
    ...{ search, seed, signal, kinds: isTurned(level) ? ['similarity', 'affine'] : ['shift'] },
  });
}
