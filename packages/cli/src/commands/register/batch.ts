/** `doppel register batch`: many pairs of scenes, resumable, each whole or not at all, with one summary. */
import { joinPath, readText, type Store } from '@doppel/core';
import { UsageError } from '@doppel/core/errors';
import { PAIR_FILES, type Summary } from '@doppel/core/registration';
import { command } from '../../command.ts';
import type { Context } from '../../context.ts';
import { text, whole } from '../../flags.ts';
import type { Watch } from '../../work.ts';
import { type BatchRow, failedRow, linesOf, rowOf, SUMMARY, tableOf } from './batch_rows.ts';
import { PAIR_FLAGS, type PairValues } from './pair_flags.ts';
import { type ListedPair, readPairs } from './pair_list.ts';
import { type RunPair, withRunner } from './pair_runner.ts';
import { changedFlags } from './settings_flags.ts';

export default command({
  name: 'doppel register batch',
  words: {
    manifest: text(
      'file',
      'CSV or JSON lines with sar, optical and, if wanted, id and date, paths from its own folder; or a STAC collection',
    ),
  },
  flags: {
    out: text('folder', 'Folder of the results: one folder a pair, and a summary'),
    jobs: whole(1, 'Pairs that are registered at a time, each by a process of its own').default(1),
    sarAsset: text('name', 'Asset of a STAC item that is the SAR scene').default('sar'),
    opticalAsset: text('name', 'Asset of a STAC item that is the optical scene').default('optical'),
    ...PAIR_FLAGS,
  },
  examples: [
    'doppel register batch pairs.csv --out runs/batch',
    'doppel register batch pairs.jsonl --out runs/batch --jobs 2 --radius 600m --json',
    'doppel register batch collection.json --sar-asset vh --optical-asset visual --out runs/batch',
  ],
  async run({ args, context }) {
    const { store } = context;
    const pairs = await readPairs(store, args.manifest, args);
    await keepSettings(store, args);
    const rows = new Map<string, BatchRow>();
    for (const pair of pairs) {
      const done = await finishedRow(store, args.out, pair);
      if (done) rows.set(pair.id, done);
    }
    const waiting = pairs.filter(({ id }) => !rows.has(id));
    const resumed = rows.size;
    try {
      await registerAll(context, args, { pairs, waiting, rows });
    } finally {
      await writeSummary(store, args.out, inOrder(pairs, rows));
    }
    return outcomeOf(args.out, inOrder(pairs, rows), resumed);
  },
});

type BatchValues = PairValues & { manifest: string; out: string; jobs: number };

const inOrder = (pairs: readonly ListedPair[], rows: ReadonlyMap<string, BatchRow>) =>
  pairs.flatMap(({ id }) => rows.get(id) ?? []);

/** File that remembers with which settings a batch began. */
const SETTINGS_FILE = 'batch.json';

/** @throws UsageError if the folder was begun with other settings: its rows would not compare. */
async function keepSettings(
  store: Store & { remove(path: string): Promise<void> },
  values: BatchValues,
): Promise<void> {
  const file = joinPath(values.out, SETTINGS_FILE);
  const { model, align, resampling, geotransformOnly } = values;
  const settings = JSON.stringify({ settings: changedFlags(values), model, align, resampling, geotransformOnly });
  const info = await store.stat(values.out);
  if (values.force && info) await store.remove(values.out);
  const isBegun = !values.force && (await store.stat(file)) !== undefined;
  if (!isBegun) {
    if (!values.force && info && (await store.list(values.out)).length > 0) throw foreign(values.out);
    return store.write(file, `${settings}\n`);
  }
  const before = (await readText(store, file)).trim();
  if (before === settings) return;
  throw new UsageError({
    action: `resume the batch ${values.out}`,
    expected: `the settings it began with, ${before}`,
    found: settings,
    remedy: 'Use those, name another folder, or begin again with --force.',
  });
}

const foreign = (folder: string) =>
  new UsageError({
    action: `write to ${folder}`,
    ...{ expected: 'a new or an empty folder, or one of this batch', found: 'a folder that holds other files' },
    remedy: 'Name another folder, or replace it with --force.',
  });

/** Row of a pair that was finished before. */
async function finishedRow(store: Store, out: string, pair: ListedPair): Promise<BatchRow | undefined> {
  const file = joinPath(out, pair.id, PAIR_FILES.summary);
  if (!(await store.stat(file))) return undefined;
  return rowOf(pair, JSON.parse(await readText(store, file)) as Summary);
}

interface Queue {
  pairs: readonly ListedPair[];
  waiting: readonly ListedPair[];
  /** Rows by the name of their pair, filled as they are done. */
  rows: Map<string, BatchRow>;
}

async function registerAll(context: Context, values: BatchValues, { pairs, waiting, rows }: Queue): Promise<void> {
  if (waiting.length === 0) return;
  const interrupted = {
    text: `interrupted; finished pairs are complete in ${values.out}, and the same command goes on with the others`,
  };
  await withRunner(context, values, (run) =>
    context.work({ label: 'register', unit: 'pairs', interrupted }, async (watch) => {
      const queue = [...waiting];
      const take = async () => {
        for (let pair = queue.shift(); pair; pair = queue.shift()) {
          watch.signal.throwIfAborted();
          rows.set(pair.id, await attempt(run, values.out, pair, watch, rows.size));
          watch.onProgress(rows.size, pairs.length, pair.id);
        }
      };
      await Promise.all(Array.from({ length: Math.min(values.jobs, waiting.length) }, take));
    }),
  );
}

/** Words of an error after which no other pair can be written either. */
const FATAL = /found a full (disk|quota)/;

async function attempt(run: RunPair, out: string, pair: ListedPair, watch: Watch, done: number): Promise<BatchRow> {
  try {
    return rowOf(pair, await run(pair, joinPath(out, pair.id), watch));
  } catch (error) {
    if (watch.signal.aborted) throw watch.signal.reason;
    if (!(error instanceof Error) || FATAL.test(error.message)) throw error;
    watch.onLog(`${pair.id} (${done + 1}): ${error.message}`);
    return failedRow(pair, error);
  }
}

async function writeSummary(store: Store, out: string, rows: readonly BatchRow[]): Promise<void> {
  await store.write(joinPath(out, SUMMARY.rows), linesOf(rows));
  await store.write(joinPath(out, SUMMARY.table), tableOf(rows));
}

function outcomeOf(out: string, rows: readonly BatchRow[], resumed: number) {
  const count = (status: BatchRow['status']) => rows.filter((row) => row.status === status).length;
  const [trusted, refused, failed] = [count('trusted'), count('refused'), count('failed')];
  const files = { rows: joinPath(out, SUMMARY.rows), table: joinPath(out, SUMMARY.table) };
  const before = resumed > 0 ? `, ${resumed} of them before` : '';
  return {
    json: { pairs: rows.length, trusted, refused, failed, resumed, files },
    text: `${rows.length} pairs${before}: ${trusted} trusted, ${refused} refused, ${failed} failed; summary in ${files.table}`,
    exitCode: refused + failed > 0 ? 1 : 0,
  };
}
