/** `doppel mine`: hard negatives. Each strategy of the core is a command, whose flags are its settings. */
import { openModel, UsageError } from '@doppel/core';
import { openDataset, placeGuard, SPLITS, type Split } from '@doppel/core/dataset';
import { type LatentGenerator, NAMED_GENERATORS } from '@doppel/core/generator';
import { type Bench, STRATEGIES, type Strategy } from '@doppel/core/mining';
import { z } from 'zod';
import { type Command, command, type Group, type Outcome } from '../command.ts';
import { BACKEND_FLAG, type Context } from '../context.ts';
import { choice, type Flags, flagsOf, number, settingsOf, text, type Values, whole, yes } from '../flags.ts';
import { GENERATOR_FLAG } from '../generator_flag.ts';
import { miningPaths, SHEET_ROWS } from '../mining_files.ts';
import { MODEL_FLAG } from '../model_flag.ts';
import { openGeneratorFile } from '../open_generator.ts';
import type { WorkPlan } from '../work.ts';
import { writeMining } from '../write_mining.ts';
import { ensureWritable } from '../write_together.ts';

const GROUP: Group = {
  name: 'doppel mine',
  chosenBy: 'strategy',
  /** Made when it is asked for: a strategy may be registered until then. */
  get commands() {
    return Object.fromEntries(
      STRATEGIES.values().map((strategy) => [
        strategy.name,
        { description: `Hard negatives: ${inSentence(strategy.description)}`, load: async () => commandOf(strategy) },
      ]),
    );
  },
};
export default GROUP;

const COMMON_FLAGS = {
  ...MODEL_FLAG,
  data: text('folder', 'Data set'),
  out: text('file', 'Where the negatives go').default('negatives.jsonl'),
  seed: whole(Number.MIN_SAFE_INTEGER, 'Seed of pools, draws and noise').default(1),
  sheet: yes(`Draw the ${SHEET_ROWS} hardest negatives as a PNG beside --out`),
  ...BACKEND_FLAG,
};

/** Flags of strategies that choose among real patches. */
const REAL_FLAGS = {
  guardMargin: number('Patch sides around an anchor to take nothing from', 0).default(1),
  split: choice(SPLITS, 'Split to mine in').default('train'),
  analysis: yes('Allow another split than train; not for training'),
  cache: text('folder', 'Where scores are kept; default: beside --out').optional(),
  refreshCache: yes('Score again, and replace the scores that are kept'),
};

/** Flags of strategies whose negatives are for training only. */
const TRAINING_FLAGS = {
  split: choice(['train'], 'Always train: made patches are for training only').default('train'),
};

const OPTIONAL_GENERATOR = { generator: GENERATOR_FLAG.generator.optional() };

/** Flags that are not settings of the strategy; those that it has not are at their default. */
const benchArgs = z.object({ ...COMMON_FLAGS, ...OPTIONAL_GENERATOR, ...REAL_FLAGS });

/** Description within a sentence: "Any patch" → "any patch"; abbreviations such as SAR stay. */
const inSentence = (text: string) => text.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());

function commandOf(strategy: Strategy): Command {
  const flags: Flags = {
    ...COMMON_FLAGS,
    ...(strategy.needsGenerator && OPTIONAL_GENERATOR),
    ...(strategy.trainingOnly ? TRAINING_FLAGS : REAL_FLAGS),
    ...flagsOf(strategy.settings),
  };
  const generator = strategy.needsGenerator ? ' --generator generator.safetensors' : '';
  return command({
    name: `doppel mine ${strategy.name}`,
    flags,
    examples: [
      `doppel mine ${strategy.name} --model runs/a/checkpoints/best.safetensors --data data/a${generator} --out runs/a/negatives.jsonl`,
    ],
    run: ({ args, context }) => run(strategy, args, context),
  });
}

async function run(strategy: Strategy, given: Values<Flags>, context: Context): Promise<Outcome> {
  const { store } = context;
  const args = benchArgs.parse(given);
  const { split, analysis, guardMargin } = args;
  const settings = settingsOf(strategy.settings, given, `mine by the strategy ${strategy.name}`);
  refuseOtherSplit(split, analysis);
  if (strategy.needsGenerator?.(settings) && args.generator === undefined) throw noGenerator(strategy);
  const paths = miningPaths(args.out);
  await ensureWritable(store, paths.folder);
  const { name: backend } = await context.selectBackend(args);
  const dataset = await openDataset(store, args.data);
  const opened = await openModel(store, args.model);
  const scores = strategy.trainingOnly ? undefined : { folder: args.cache ?? paths.cache, refresh: args.refreshCache };
  let generator: LatentGenerator | undefined;
  try {
    const model = opened.atSide(dataset.header.side);
    generator = args.generator === undefined ? undefined : await openGeneratorFile(store, args.generator);
    const bench: Bench = {
      ...{ store, dataset, split, model, generator, scores, seed: args.seed },
      patches: model.patchesOf(dataset),
      guard: placeGuard(dataset.records, { margin: guardMargin }),
    };
    const found = await context.work(planOf(strategy, bench), (watch) => strategy.find(bench, settings, watch));
    for (const warning of found.report.warnings ?? []) context.log(`warning: ${warning}`);
    const where = {
      model: args.model,
      ...(strategy.needsGenerator && { generator: args.generator ?? null }),
      ...{ data: args.data, backend },
    };
    const { json, text } = await writeMining(store, { found, dataset, paths, where, sheet: args.sheet });
    return { json, text };
  } finally {
    generator?.dispose();
    opened.dispose();
  }
}

function planOf({ name, unit }: Strategy, { scores }: Bench): WorkPlan {
  const plan = { label: `mining: ${name}`, unit };
  if (!scores) return plan;
  const { folder: cache } = scores;
  const text = `interrupted; the same command goes on from the scores that are kept in ${cache}`;
  return { ...plan, interrupted: { json: { cache }, text } };
}

function refuseOtherSplit(split: Split, isAnalysis: boolean): void {
  if (split === 'train' || isAnalysis) return;
  throw new UsageError({
    action: 'mine negatives to train with',
    expected: '--split train',
    found: `--split ${split}`,
    remedy: 'Test data must not be used for training. To inspect the mistakes of the model there, add --analysis.',
  });
}

const noGenerator = ({ name }: Strategy) =>
  new UsageError({
    action: `mine by the strategy ${name}`,
    expected: '--generator, a trained generator',
    found: 'none',
    remedy: `Name one in the box (${NAMED_GENERATORS.names().join(', ')}), or train one by \`doppel generator train\`.`,
  });
