/**
 * Scores that mining needs; an item is a block of anchors with its pool of candidates, and the merged result the negatives
 * that `doppel mine` finds by them: the limits on the use of a patch hold over all blocks, so that they are chosen at the end.
 */
import { resolve } from 'node:path';
import { folderOf, joinPath, nameOf, openModel, UsageError } from '@doppel/core';
import { selectBackend } from '@doppel/core/backends';
import type { Worker } from '@doppel/core/batch';
import { type Dataset, openDataset, PAIRS_FILE, placeGuard, SPLITS_FILE } from '@doppel/core/dataset';
import { type Bench, type Scoring, STRATEGIES, type Strategy } from '@doppel/core/mining';
import type { FileStore } from '@doppel/core/node';
import { z } from 'zod';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, flagsOf, kebab, number, settingsOf, whole, yes } from '../../flags.ts';
import { miningPaths, SHEET_ROWS } from '../../mining_files.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { writeMining } from '../../write_mining.ts';
import { modelFingerprint, type Place, requireModel, settledModel, workKind } from '../kind.ts';

/** Strategies that read scores which can be computed before. */
const SCORED = STRATEGIES.values().filter(({ scoring }) => scoring);

const COMMON = {
  strategy: choice(
    SCORED.map(({ name }) => name),
    'Strategy of `doppel mine`; its settings are flags here too',
  ).default('loss'),
  seed: whole(Number.MIN_SAFE_INTEGER, 'Seed of pools and draws').default(1),
  guardMargin: number('Patch sides around an anchor to take nothing from', 0).default(1),
  sheet: yes(`Draw the ${SHEET_ROWS} hardest negatives as a PNG`),
  ...MODEL_FLAG,
  precision: COMPUTE_FLAGS.precision,
};
const common = z.object(COMMON);

/** Settings of a cosine have the widest range; each strategy checks its own. */
const RULES = flagsOf(STRATEGIES.get('nearest').settings);

export const mineKind = workKind({
  name: 'mine',
  description: 'Hard negatives among real patches, a block of scores an item',
  manifest: 'Data set: its folder or its pairs.jsonl',
  flags: { ...COMMON, ...RULES },
  examples: [
    'doppel batch plan mine runs/data --model runs/a/checkpoints/best.safetensors --out runs/mining',
    'doppel batch plan mine runs/data --strategy nearest --max-candidates 20000 --max-score 0.95 --out runs/mining',
  ],
  root: (manifest) => resolve(nameOf(manifest) === PAIRS_FILE ? folderOf(manifest) : manifest),
  settle: (settings) => ({ ...settings, model: settledModel(common.parse(settings).model) }),
  tools: async (store, settings) => ({ model: await modelFingerprint(store, common.parse(settings).model) }),
  async *items({ store, root, settings }) {
    await selectBackend({ requested: 'cpu' }); // nothing is computed yet
    const { scoring, close } = await openMining(store, root, settings);
    close();
    for (let part = 0; part < scoring.parts; part++) {
      yield { id: `block ${part + 1} of ${scoring.parts}`, files: [PAIRS_FILE, SPLITS_FILE], details: { part } };
    }
  },
  async open({ context, settings, compute, tools, root, results }): Promise<Worker> {
    await context.selectBackend({ ...compute, precision: common.parse(settings).precision });
    const scores = { folder: cacheIn(results), refresh: false };
    const { scoring, close } = await openMining(context.store, root, settings, { tools, scores });
    const score = scoring.begin({ signal: context.signal });
    return {
      run: async ({ id, details }) => ({ rows: [{ id, pairs: await score(partSchema.parse(details).part) }] }),
      failedRows: ({ id }, error) => [{ id, error }],
      close,
    };
  },
  merged: [{ name: 'blocks.jsonl' }],
  async finish({ context, settings, compute, tools, root }, results) {
    if (results.lacking > 0) return { files: [], text: incomplete(results.lacking) };
    const { store } = context;
    const { precision, model, sheet } = common.parse(settings);
    const { name: backend } = await context.selectBackend({ ...compute, precision });
    const [folder = cacheIn(results.out), ...others] = await cachesIn(store, results.roots);
    const scores = { folder, others, refresh: false };
    const { strategy, bench, dataset, rules, close } = await openMining(store, root, settings, { tools, scores });
    try {
      const plan = { label: `mining: ${strategy.name}`, unit: strategy.unit };
      const found = await context.work(plan, (watch) => strategy.find(bench, rules, watch));
      const paths = miningPaths(joinPath(results.out, 'negatives.jsonl'));
      const where = { model, data: root, backend };
      const { written, text } = await writeMining(store, { found, dataset, paths, sheet, where });
      return { files: Object.values(written), text };
    } finally {
      close();
    }
  },
});

const partSchema = z.object({ part: z.int().min(0) });

const cacheIn = (folder: string) => joinPath(folder, 'scores');

/** Folders of scores in the folders of results. */
async function cachesIn(store: FileStore, roots: readonly string[]): Promise<string[]> {
  const all = await Promise.all(roots.map(cacheIn).map(async (path) => ((await store.stat(path)) ? [path] : [])));
  return all.flat();
}

interface Mining {
  strategy: Strategy;
  bench: Bench;
  dataset: Dataset;
  /** Settings of the strategy. */
  rules: object;
  scoring: Scoring;
  close(): void;
}

/** @param root folder of the data set. @param tools of the plan, which the model must be one of. */
async function openMining(
  store: FileStore,
  root: string,
  settings: Readonly<Record<string, unknown>>,
  { tools, scores }: { tools?: Place<unknown>['tools']; scores?: Bench['scores'] } = {},
): Promise<Mining> {
  const { strategy: name, seed, guardMargin, model: file } = common.parse(settings);
  const strategy = STRATEGIES.get(name);
  refuseForeign(strategy, settings);
  const rules = settingsOf(strategy.settings, settings, `mine by the strategy ${name}`);
  const dataset = await openDataset(store, root);
  const opened = await openModel(store, file);
  try {
    if (tools) requireModel(opened.info.fingerprint, tools, file);
    const model = opened.atSide(dataset.header.side);
    const bench: Bench = {
      ...{ store, dataset, model, scores, seed, split: 'train' },
      patches: model.patchesOf(dataset),
      guard: placeGuard(dataset.records, { margin: guardMargin }),
    };
    const scoring = strategy.scoring?.(bench, rules);
    if (!scoring) throw unscored(name);
    return { strategy, bench, dataset, rules, scoring, close: () => opened.dispose() };
  } catch (error) {
    opened.dispose();
    throw error;
  }
}

/** @throws UsageError for a setting that the strategy has not, unless it is at its default, as plans write it. */
function refuseForeign({ name: strategy, settings: own }: Strategy, given: Readonly<Record<string, unknown>>): void {
  const known = flagsOf(own);
  const isForeign = (name: string) => !(name in known) && given[name] !== RULES[name]!.parse(undefined);
  const foreign = Object.keys(RULES).find((name) => given[name] !== undefined && isForeign(name));
  if (foreign === undefined) return;
  const flags = Object.keys(known).map((name) => `--${kebab(name)}`);
  throw new UsageError({
    ...{ action: `mine by the strategy ${strategy}`, expected: `its settings (${flags.join(', ')})` },
    ...{ found: `--${kebab(foreign)}`, remedy: 'Leave it out, or name another strategy by --strategy.' },
  });
}

const unscored = (name: string) =>
  new UsageError({
    ...{ action: `mine by the strategy ${name} in parts`, expected: 'rules that need scores', found: 'none' },
    remedy: `Mine at once by \`doppel mine ${name}\`: it scores only what it chooses.`,
  });

const incomplete = (lacking: number) =>
  `no negatives were chosen, as ${lacking} blocks have no scores; next: doppel batch run, with --retry-failed where they failed`;
