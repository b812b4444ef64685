/** `doppel register batch`: many pairs of scenes in one command; a plan, its run and its merged summary, in one folder. */
import { joinPath, readText, type Store } from '@doppel/core';
import { mergeResults, type Plan, resultFile, resultText, WHOLE, writePlan } from '@doppel/core/batch';
import { UsageError } from '@doppel/core/errors';
import { PAIR_FILES, type Summary } from '@doppel/core/registration';
import { rootOf, settledModel } from '../../batch/kind.ts';
import { ASSET_FLAGS, PAIRS_MANIFEST, pairOf, registerKind } from '../../batch/kinds/register.ts';
import { MAIN, runLocally } from '../../batch/run_locally.ts';
import { runPlan } from '../../batch/run_plan.ts';
import { requireBegunWith } from '../../begun_settings.ts';
import { command } from '../../command.ts';
import type { Context } from '../../context.ts';
import { text, type Values, whole } from '../../flags.ts';
import { Interrupted } from '../../outcome.ts';
import { readPairs } from '../../pair_list.ts';
import type { Watch } from '../../work.ts';
import { type BatchRow, rowOf, SUMMARY } from './batch_rows.ts';
import { PAIR_FLAGS } from './pair_flags.ts';
import { changedFlags } from './settings_flags.ts';

const flags = {
  out: text('folder', 'Folder of the results: one folder a pair, and a summary'),
  jobs: whole(1, 'Pairs that are registered at a time, each by a process of its own').default(1),
  ...ASSET_FLAGS,
  ...PAIR_FLAGS,
};
type BatchValues = Values<typeof flags> & { manifest: string };

export default command({
  name: 'doppel register batch',
  words: { manifest: text('file', PAIRS_MANIFEST) },
  flags,
  examples: [
    'doppel register batch pairs.csv --out runs/batch',
    'doppel register batch pairs.jsonl --out runs/batch --jobs 2 --radius 600m --json',
    'doppel register batch collection.json --sar-asset vh --optical-asset visual --out runs/batch',
  ],
  async run({ args, context }) {
    const { store } = context;
    const planned = await planPairs(store, args, async () => keepSettings(store, args));
    const rows: BatchRow[] = [];
    let kept = 0;
    const summarise = () => {
      const files = registerKind.merged.map(({ name, ...file }) => ({ ...file, path: joinPath(args.out, name) }));
      return mergeResults(store, planned, { files, isPartial: true, onRow: (row) => rows.push(row as BatchRow) });
    };
    try {
      kept = await registerAll(context, args, planned);
    } catch (error) {
      await summarise().catch(() => {}); // what ended the work matters more
      throw error;
    }
    await summarise();
    return outcomeOf(args.out, rows, kept);
  },
});

/** @param begin prepares the folder, once the manifest is known to be good. */
async function planPairs(store: Context['store'], values: BatchValues, begin: () => Promise<void>): Promise<Plan> {
  const { manifest, out: folder } = values;
  const settings = { ...values, model: settledModel(values.model) };
  const root = rootOf(manifest);
  await readPairs(store, manifest, values); // a broken manifest writes nothing
  await begin();
  const own = Object.fromEntries(Object.keys(registerKind.flags).map((name) => [name, settings[name as 'model']]));
  const tools = await registerKind.tools(store, settings);
  const items = registerKind.items({ store, manifest, root, settings });
  const isOlder = (await store.stat(joinPath(folder, 'results'))) === undefined;
  const { plan } = await writePlan(store, {
    ...{ folder, kind: registerKind.name, settings: own, tools, root, inputs: 'time', items },
  });
  if (isOlder) await takeOver(store, plan);
  return plan;
}

/** File that remembers with which settings a batch began. */
const SETTINGS_FILE = 'batch.json';

/** @throws UsageError if the folder was begun with other settings: its rows would not compare. */
async function keepSettings(store: Context['store'], values: BatchValues): Promise<void> {
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
  return requireBegunWith(settings, {
    ...{ store, file, action: `resume the batch ${values.out}` },
    remedy: 'Use those, name another folder, or begin again with --force.',
  });
}

const foreign = (folder: string) =>
  new UsageError({
    action: `write to ${folder}`,
    ...{ expected: 'a new or an empty folder, or one of this batch', found: 'a folder that holds other files' },
    remedy: 'Name another folder, or replace it with --force.',
  });

/** Takes over pairs that an older doppel finished in the same folder, which kept no results of items. */
async function takeOver(store: Store, plan: Plan): Promise<void> {
  for await (const item of plan.items()) {
    const file = joinPath(plan.folder, item.id, PAIR_FILES.summary);
    if (!(await store.stat(file))) continue;
    const summary = JSON.parse(await readText(store, file)) as Summary;
    const head = { item: item.index, id: item.id, status: 'done', attempts: 1, seconds: summary.seconds } as const;
    const row = rowOf(pairOf(item, plan.header.root), summary);
    await store.write(resultFile(plan.folder, item, 'done'), resultText(head, [row]));
  }
}

/** @returns number of pairs that were finished before. @throws Interrupted after Ctrl-C. @throws after a full disk. */
async function registerAll(context: Context, { jobs, backend, out }: BatchValues, plan: Plan): Promise<number> {
  const interrupted = {
    text: `interrupted; finished pairs are complete in ${out}, and the same command goes on with the others`,
  };
  const run = jobs > 1 && MAIN !== undefined ? runApart(MAIN, plan, jobs, backend) : runHere(context, plan, backend);
  const { kept, isStopped } = await context.work({ label: 'register', unit: 'pairs', interrupted }, run);
  if (isStopped) throw new Interrupted(interrupted);
  return kept;
}

type Run = (watch: Watch) => Promise<{ kept: number; isStopped: boolean }>;

/** A command tells of every pair at its end: none is left for another try. */
const ONE_TRY = { attempts: 1, retryFailed: true } as const;

const runHere =
  (context: Context, plan: Plan, backend: string | undefined): Run =>
  async (watch) => {
    const outcome = await runPlan(context, { plan, shard: WHOLE, compute: { backend }, ...ONE_TRY }, watch);
    if (outcome.fatal !== undefined) throw outcome.fatal;
    return outcome;
  };

/** Each pair by a process of its own, so that none waits for the others. */
const runApart =
  (main: string, plan: Plan, jobs: number, backend: string | undefined): Run =>
  async ({ signal, onProgress }) => {
    const { folder, header } = plan;
    const flags = [
      '--retry-failed',
      `--attempts=${ONE_TRY.attempts}`,
      ...(backend === undefined ? [] : ['--backend', backend]),
    ];
    const onShard = ({ items }: { items: number }) => onProgress(items, header.items);
    const { kept } = await runLocally(main, { folder, shards: header.items, jobs, flags, signal, onShard });
    return { kept, isStopped: false };
  };

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
