/** Figures of an evaluation out of its rows, and the table that a page shows. */
import { quantile } from '../../base/quantile.ts';
import { cornerError, type EvaluationRow } from './evaluation_row.ts';
import { DIFFERENT, isTurned, LEVELS, SMALL, UNTOLD } from './protocol.ts';

/** One figure of each method. */
export interface EvaluationFigure {
  readonly name: string;
  /** Text by method; a method that was not run on it has none. */
  readonly values: Readonly<Record<string, string>>;
}

type Figure = (rows: readonly EvaluationRow[]) => string | undefined;

/**
 * Figures by task. A registration that is refused counts as missed, unless the figure says otherwise: whatever the verdict,
 * the estimate is judged where it is refused as well, as that of a method that has no verdict.
 */
const FIGURES: readonly [name: string, task: string, figure: Figure][] = [
  ...within('level 1', 'raw', [5, 10]),
  ...within('level 1', 'repaired', [2, 3]),
  ...['level 2', 'level 3', 'no prior'].flatMap((level) => [
    ...within(level, 'raw', [10]),
    ...within(level, 'repaired', [3, 5]),
  ]),
  [`${UNTOLD.name}, raw truth: within 5 px, refused, wrong (over 10 px) and trusted`, UNTOLD.name, untold],
  ['level 1, difference of two displacements: median / 95 %, px', 'level 1', differential],
  ['level 1, shared corners of scenes side by side: median / 90 %, px apart', 'level 1', besideEachOther],
  [
    'small areas, repaired truth, refused ones too: within 3 / 5 px',
    SMALL.level.name,
    shares('repaired', [3, 5], true),
  ],
  ['small areas, not refused: within 5 px, at so many kept', SMALL.level.name, kept],
];

/** Shares within some pixels of error, with and without the verdict. */
function within(level: string, truth: 'raw' | 'repaired', bounds: readonly number[]): [string, string, Figure][] {
  const pixels = `within ${bounds.join(' / ')} px`;
  return [
    [`${level}, ${truth} truth: ${pixels}`, level, shares(truth, bounds)],
    [`${level}, ${truth} truth, whatever the verdict: ${pixels}`, level, shares(truth, bounds, true)],
  ];
}

/** Pixels of error from which on a result is wrong. */
const WRONG = 10;

/** @returns figures of each method in the order in which the rows name them. */
export function evaluationFigures(found: readonly EvaluationRow[]): EvaluationFigure[] {
  const rows = found.flatMap(withShift);
  const methods = [...new Set(rows.map(({ method }) => method))];
  const by = (name: string, of: (rows: readonly EvaluationRow[]) => string | undefined, task?: string) => {
    const values = methods.flatMap((method) => {
      const value = of(rows.filter((row) => row.method === method && (task === undefined || row.task === task)));
      return value === undefined ? [] : [[method, value] as const];
    });
    return { name, values: Object.fromEntries(values) };
  };
  const levels = new Set(LEVELS.map(({ name }) => name));
  return [
    ...FIGURES.map(([name, task, figure]) => by(name, figure, task)),
    ...(['raw', 'repaired'] as const).map((truth) =>
      by(`wrong (over ${WRONG} px) and trusted, all levels, ${truth} truth`, (of) =>
        wrongOf(
          of.filter(({ task }) => levels.has(task)),
          truth,
        ),
      ),
    ),
    by('held-out residuals within their 90 % ellipse', covered),
    by('pairs of different places that are refused', refused, DIFFERENT.name),
    by('seconds a registration, median', seconds, 'level 1'),
  ].filter(({ values }) => Object.keys(values).length > 0);
}

/** A row, and the one of its best shift, which shows what the choice of a model does. */
function withShift(row: EvaluationRow): EvaluationRow[] {
  const { shift, heldOut: _, tests: __, ...rest } = row;
  if (!shift || rest.task === SMALL.level.name || TURNED.has(rest.task)) return [row];
  return [row, { ...rest, corners: shift, method: `${row.method}, shift`, key: `${row.key} | shift` }];
}

/** Levels of which a shift explains nothing. */
const TURNED = new Set([...LEVELS, UNTOLD].filter(isTurned).map(({ name }) => name));

/** Markdown table, a row a figure and a column a method. */
export function evaluationTable(figures: readonly EvaluationFigure[]): string {
  const methods = [...new Set(figures.flatMap(({ values }) => Object.keys(values)))];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['figure', ...methods]),
    line(['---', ...methods.map(() => '---')]),
    ...figures.map(({ name, values }) => line([name, ...methods.map((method) => values[method] ?? '–')])),
  ].join('\n');
}

const percent = (part: number, all: number) => `${Math.round((100 * part) / all)} %`;

function shares(truth: 'raw' | 'repaired', bounds: readonly number[], evenRefused = false): Figure {
  return (rows) => {
    const judged = rows.filter((row) => row[truth]);
    if (judged.length === 0) return undefined;
    const within = bounds.map((bound) =>
      percent(
        judged.filter((row) => (evenRefused || row.status === 'trusted') && isWithin(row, truth, bound)).length,
        judged.length,
      ),
    );
    return `${within.join(' / ')} of ${judged.length}`;
  };
}

function isWithin(row: EvaluationRow, truth: 'raw' | 'repaired', bound: number): boolean {
  const error = cornerError(row, row[truth]);
  return error !== undefined && error <= bound;
}

/** Distance of the middles that two displacements of one pair come out at. */
function differential(rows: readonly EvaluationRow[]): string | undefined {
  const found = rows.filter(({ corners, status }) => corners && status === 'trusted');
  const distances = [...new Set(found.map(({ scene }) => scene))].flatMap((scene) => {
    const [a, b] = found.filter((row) => row.scene === scene);
    if (!a || !b) return [];
    const [[ax, ay], [bx, by]] = [middleOf(a), middleOf(b)];
    return [Math.hypot(ax - bx, ay - by)];
  });
  if (distances.length === 0) return undefined;
  distances.sort((a, b) => a - b);
  return `${quantile(distances, 0.5).toFixed(2)} / ${quantile(distances, 0.95).toFixed(2)} of ${distances.length}`;
}

/** Pixels within which two corners are one. */
const SAME = 3;

/**
 * Distance of what two scenes side by side say about the corners that they share: they have no pixel in common, so that this
 * is an error at the corners without any truth, if both come from one pair of acquisitions.
 */
function besideEachOther(rows: readonly EvaluationRow[]): string | undefined {
  const found = rows.filter(({ corners, ground, draw }) => corners && ground && draw === 0);
  const distances = found
    .flatMap((a, i) => found.slice(i + 1).flatMap((b) => sharedCorners(a, b)))
    .sort((a, b) => a - b);
  if (distances.length === 0) return undefined;
  return `${quantile(distances, 0.5).toFixed(1)} / ${quantile(distances, 0.9).toFixed(1)} of ${distances.length}`;
}

function sharedCorners(a: EvaluationRow, b: EvaluationRow): number[] {
  const pixel = Math.hypot(a.ground![1]![0] - a.ground![0]![0], a.ground![1]![1] - a.ground![0]![1]) / widthOf(a);
  return a.ground!.flatMap(([x, y], i) => {
    const j = b.ground!.findIndex(([u, v]) => Math.hypot(u - x, v - y) <= SAME * pixel);
    if (j < 0) return [];
    const [[ax, ay], [bx, by]] = [misalignment(a, i), misalignment(b, j)];
    return [Math.hypot(ax - bx, ay - by)];
  });
}

const widthOf = ({ raw }: EvaluationRow) => Math.hypot(raw![1]![0] - raw![0]![0], raw![1]![1] - raw![0]![1]);

const misalignment = ({ corners, raw }: EvaluationRow, i: number): [number, number] => [
  corners![i]![0] - raw![i]![0],
  corners![i]![1] - raw![i]![1],
];

function middleOf({ corners }: EvaluationRow): [number, number] {
  const mean = (axis: 0 | 1) => corners!.reduce((sum, corner) => sum + corner[axis], 0) / corners!.length;
  return [mean(0), mean(1)];
}

function kept(rows: readonly EvaluationRow[]): string | undefined {
  const judged = rows.filter(({ repaired }) => repaired);
  const trusted = judged.filter(({ status }) => status === 'trusted');
  if (trusted.length === 0) return undefined;
  const within = trusted.filter((row) => isWithin(row, 'repaired', 5)).length;
  return `${percent(within, trusted.length)} at ${percent(trusted.length, judged.length)}`;
}

function untold(rows: readonly EvaluationRow[]): string | undefined {
  if (rows.length === 0) return undefined;
  const trusted = rows.filter(({ status }) => status === 'trusted');
  const [right, known] = [5, WRONG].map((bound) => trusted.filter((row) => isWithin(row, 'raw', bound)).length);
  return `${right}, ${rows.length - trusted.length}, ${trusted.length - known!} of ${rows.length}`;
}

function wrongOf(rows: readonly EvaluationRow[], truth: 'raw' | 'repaired'): string | undefined {
  const judged = rows.filter((row) => row[truth]);
  if (judged.length === 0) return undefined;
  const wrong = judged.filter((row) => row.status === 'trusted' && !isWithin(row, truth, WRONG));
  return `${wrong.length} of ${judged.length}`;
}

function covered(rows: readonly EvaluationRow[]): string | undefined {
  const trusted = rows.filter(({ heldOut, status, raw }) => heldOut && status === 'trusted' && raw);
  const [near, within] = [1, 2].map((at) => trusted.reduce((sum, row) => sum + row.heldOut![at as 1 | 2], 0));
  return near ? `${percent(within!, near)} of ${near}` : undefined;
}

function refused(rows: readonly EvaluationRow[]): string | undefined {
  return rows.length > 0 ? `${rows.filter(({ status }) => status === 'refused').length} of ${rows.length}` : undefined;
}

function seconds(rows: readonly EvaluationRow[]): string | undefined {
  const sorted = rows.map((row) => row.seconds).sort((a, b) => a - b);
  return sorted.length > 0 ? quantile(sorted, 0.5).toFixed(1) : undefined;
}
