/** `doppel mine`: hard negatives, among the real patches of a data set or made by a generator. */
import { nameOf, UsageError } from '@doppel/core';
import { openDataset, placeGuard, SPLITS, type Split } from '@doppel/core/dataset';
import {
  checkRules,
  MINING_DEFAULTS as DEFAULTS,
  MADE_STRATEGIES,
  type MiningTask,
  mine,
  SAMPLINGS,
  type SelectionRules,
  STRATEGIES,
  USES_PER_NEGATIVE,
} from '@doppel/core/mining';
import { hardestNegatives, negativesSheet } from '@doppel/report';
import { z } from 'zod';
import { command, type Outcome } from '../command.ts';
import { BACKEND_FLAG, type Context } from '../context.ts';
import { choice, number, text, type Values, whole, yes } from '../flags.ts';
import { miningFiles, miningJson, miningPaths, miningText } from '../mining_files.ts';
import { openForMining } from '../open_for_mining.ts';
import { duration } from '../progress.ts';
import { ensureWritable, writeTogether } from '../write_together.ts';
import { isMade, MADE_FLAGS, mineMade, refuseMadeFlags } from './mine_made.ts';

/** Rows of the contact sheet. */
const SHEET_ROWS = 24;

const RULE_FLAGS = {
  k: whole(1, `Negatives for each anchor; default ${DEFAULTS.k}`).optional(),
  rankMin: whole(0, 'Skip the N hardest candidates; default 0').optional(),
  rankMax: whole(0, 'Choose among the N hardest candidates only').optional(),
  minScore: number('Skip candidates with a lower score').optional(),
  maxScore: number('Skip candidates with a higher score').optional(),
  absoluteMargin: number('Score at most that of the true pair − X').optional(),
  relativeMargin: number('Score at most that of the true pair · (1 − X)').optional(),
  sampling: choice(SAMPLINGS, 'Choice among the candidates that pass').default(DEFAULTS.sampling),
};

export default command({
  name: 'doppel mine',
  description: 'Find or make hard negatives: SAR patches of other ground that a model mistakes',
  flags: {
    model: text('file', 'Checkpoint of the matcher'),
    data: text('folder', 'Data set'),
    strategy: choice([...STRATEGIES, ...MADE_STRATEGIES], 'What to look for, or to make'),
    out: text('file', 'Where the negatives go').default('negatives.jsonl'),
    ...RULE_FLAGS,
    maxUses: whole(1, `Anchors that share a SAR patch as negative; default ${USES_PER_NEGATIVE}·k`).optional(),
    maxCandidates: whole(2, 'Candidates for each anchor, drawn at random from the split').optional(),
    guardMargin: number('Patch sides around an anchor to take nothing from; default 1', 0).optional(),
    seed: whole(Number.MIN_SAFE_INTEGER, 'Seed of the pools and of what is drawn at random; default 1').optional(),
    split: choice(SPLITS, 'Split to mine in').default('train'),
    analysis: yes('Allow another split than train; not for training'),
    cache: text('folder', 'Where scores are kept; default: beside --out').optional(),
    refreshCache: z.boolean().optional().meta({ description: 'Score again, and replace the scores that are kept' }),
    ...MADE_FLAGS,
    sheet: yes(`Draw the ${SHEET_ROWS} hardest negatives as a PNG beside --out`),
    ...BACKEND_FLAG,
  },
  examples: [
    'doppel mine --model runs/a/checkpoints/best.safetensors --data data/a --strategy loss --out runs/a/negatives.jsonl',
    'doppel mine --model best.safetensors --data data/a --strategy loss --k 3 --relative-margin 0.05 --sheet',
    'doppel mine --model best.safetensors --data data/a --strategy nearest --rank-min 5 --rank-max 50 --sampling random',
    'doppel mine --model best.safetensors --data data/a --strategy generated --generator generator.safetensors --rule sigma --strength 1',
    'doppel mine --model best.safetensors --data data/a --strategy adaptive --generator generator.safetensors --reconstructions',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { strategy, split } = args;
    if (isMade(strategy)) return mineMade({ ...args, strategy }, context);
    refuseMadeFlags(args, strategy);
    const rules = rulesOf(args);
    checkRules(strategy, rules);
    refuseOtherSplit(split, args.analysis);
    const { guardMargin = DEFAULTS.guardMargin, seed = DEFAULTS.seed, maxUses, maxCandidates } = args;
    const limits = { seed, maxUses, maxCandidates };
    const paths = miningPaths(args.out);
    await ensureWritable(context.store, paths.folder);
    const { name: backend } = await context.selectBackend(args);
    const dataset = await openDataset(context.store, args.data);
    const { model, cache, dispose } = await openForMining(context.store, args.model, dataset);
    const scores = args.cache ?? paths.cache;
    try {
      const result = await runMining(context, {
        ...{ store: context.store, dataset, split, model, strategy, rules, guardMargin, ...limits },
        patches: cache,
        guard: placeGuard(dataset.records, { margin: guardMargin }),
        cache: scores,
        refreshCache: args.refreshCache ?? false,
      });
      const where = { model: args.model, data: args.data, backend };
      const files = miningFiles(result, dataset.records, paths, where);
      if (args.sheet) {
        const shown = hardestNegatives(result.negatives, SHEET_ROWS);
        files.set(nameOf(paths.sheet), await negativesSheet(dataset, shown));
      }
      await writeTogether(context.store, paths.folder, files);
      const sheet = args.sheet ? paths.sheet : undefined;
      return {
        json: {
          ...miningJson(result.report),
          file: paths.negatives,
          report: paths.report,
          ...(sheet && { sheet }),
          ...where,
        },
        text: [miningText(result, paths), ...(sheet ? [`sheet: ${sheet}`] : [])].join('\n'),
      };
    } finally {
      dispose();
    }
  },
});

function rulesOf(flags: Values<typeof RULE_FLAGS>): SelectionRules {
  const { k = DEFAULTS.k, rankMin = DEFAULTS.rankMin, rankMax = DEFAULTS.rankMax, sampling } = flags;
  const { minScore, maxScore, absoluteMargin, relativeMargin } = flags;
  return { k, rankMin, rankMax, minScore, maxScore, absoluteMargin, relativeMargin, sampling };
}

function refuseOtherSplit(split: Split, isAnalysis: boolean): void {
  if (split === 'train' || isAnalysis) return;
  throw new UsageError({
    action: 'mine negatives to train with',
    expected: '--split train',
    found: `--split ${split}`,
    remedy: 'What a model is tested on must not be trained on. To look at its mistakes there, add --analysis.',
  });
}

function runMining(context: Context, task: MiningTask) {
  const { cache } = task;
  const text = `interrupted; the same command goes on from the scores that are kept in ${cache}`;
  const plan = { label: 'mining', unit: 'pairs', interrupted: { json: { cache }, text } };
  return context.work(plan, (watch) =>
    mine({
      ...{ ...task, ...watch },
      onEstimate({ pairs, seconds }) {
        context.log(
          `this model takes both patches at once, so each of ${pairs} pairs goes through all of it: ` +
            `about ${duration(seconds)}; --max-candidates lowers that`,
        );
      },
    }),
  );
}
