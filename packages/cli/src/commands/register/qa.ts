/** `doppel register qa`: judges an aligned series by a batch of registrations: the bias of each scene, and steps in time. */
import { joinPath, readText } from '@doppel/core';
import { FormatError, UsageError } from '@doppel/core/errors';
import {
  biasOf,
  type JudgedSeries,
  judgeSeries,
  PAIR_FILES,
  type Registration,
  type SeriesEntry,
} from '@doppel/core/registration';
import { command } from '../../command.ts';
import type { Context } from '../../context.ts';
import { above0, text } from '../../flags.ts';
import { type BatchRow, readRows, SUMMARY } from './batch_rows.ts';

export default command({
  name: 'doppel register qa',
  words: { folder: text('folder', 'Result of `doppel register batch`, from a manifest with dates') },
  flags: { tolerance: above0('Bias in metres along either axis that still counts as aligned').default(5) },
  examples: ['doppel register qa runs/series', 'doppel register qa runs/series --tolerance 10 --json'],
  async run({ args, context }) {
    await refuseSinglePair(context.store, args.folder);
    const rows = await readRows(context.store, joinPath(args.folder, SUMMARY.rows));
    const { entries, left } = await entriesOf(context, args.folder, rows);
    const judged = judgeSeries(entries, args.tolerance);
    const off = judged.scenes.some(({ verdict }) => verdict === 'biased') || judged.steps.length > 0;
    return {
      json: { tolerance: args.tolerance, unit: 'm', ...judged, median: judged.median ?? null, leftOut: left },
      text: textOf(judged, left, args.tolerance),
      exitCode: off || left.length > 0 || entries.length === 0 ? 1 : 0,
    };
  },
});

interface LeftOut {
  id: string;
  why: string;
}

async function entriesOf(
  { store }: Context,
  folder: string,
  rows: readonly BatchRow[],
): Promise<{ entries: SeriesEntry[]; left: LeftOut[] }> {
  const entries: SeriesEntry[] = [];
  const left: LeftOut[] = [];
  const [first] = rows;
  if (first && rows.every(({ date }) => date === undefined)) throw undated(folder, first.id);
  for (const { id, status, date, error } of rows) {
    if (date === undefined) {
      left.push({ id, why: `no date; ${error ?? status}` });
      continue;
    }
    const registration = status === 'trusted' ? await readRegistration(store, joinPath(folder, id)) : undefined;
    const bias = registration && biasOf(registration);
    if (bias) entries.push({ id, date, ...bias });
    else left.push({ id, why: error ?? (registration ? 'too few held-out points' : status) });
  }
  return { entries, left };
}

/** @throws UsageError for the folder of one registration: it has no rows. */
async function refuseSinglePair(store: Context['store'], folder: string): Promise<void> {
  const [rows, single] = [SUMMARY.rows, PAIR_FILES.summary].map((name) => store.stat(joinPath(folder, name)));
  if ((await rows) || !(await single)) return;
  throw new UsageError({
    action: `judge the series ${folder}`,
    ...{ expected: 'the folder of a `doppel register batch`', found: 'that of a single registration' },
    remedy: 'Name the folder above it if it is one of a batch, or register the series by a manifest with dates.',
  });
}

function undated(folder: string, id: string): UsageError {
  return new UsageError({
    action: `judge the series ${folder}`,
    expected: 'a date for each pair',
    found: `none for any, such as ${id}`,
    remedy: 'Add a column "date" (ISO 8601) to the manifest, and run the batch again: finished pairs are not repeated.',
  });
}

async function readRegistration(store: Context['store'], folder: string): Promise<Registration> {
  const file = joinPath(folder, PAIR_FILES.registration);
  const content = await readText(store, file);
  try {
    return JSON.parse(content) as Registration;
  } catch (cause) {
    throw new FormatError({ action: 'read the registration', file, expected: 'JSON', found: 'something else', cause });
  }
}

function textOf({ scenes, steps, median }: JudgedSeries, left: readonly LeftOut[], tolerance: number): string {
  const leftOut = left.map(({ id, why }) => `left out: ${id} (${why})`);
  if (!median) return ['no scene could be judged', ...leftOut].join('\n');
  const metres = (value: number) => value.toFixed(1).padStart(7);
  const rows = scenes.map(
    ({ id, date, bias, error, verdict }) =>
      `  ${date.slice(0, 10)}  ${id.padEnd(24)} ${metres(bias[0])} ± ${error[0].toFixed(1)} ${metres(bias[1])} ± ${error[1].toFixed(1)} m  ${verdict}`,
  );
  const jumps = steps.map(
    ({ from, to, date, step }) =>
      `step at ${date.slice(0, 10)}: ${step.map((value) => value.toFixed(1)).join(', ')} m between ${from} and ${to}`,
  );
  const aligned = scenes.filter(({ verdict }) => verdict === 'aligned').length;
  return [
    `${aligned} of ${scenes.length} scenes aligned within ${tolerance} m; median bias ${median.map((value) => value.toFixed(1)).join(', ')} m (east, north)`,
    ...rows,
    ...(jumps.length > 0 ? jumps : ['no step in time']),
    ...leftOut,
  ].join('\n');
}
