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

import { command, numberFlag, type Outcome } from '../command.ts';
import { BACKEND_FLAG, type Context } from '../context.ts';
import { miningFiles, miningJson, miningPaths, miningText } from '../mining_files.ts';
import { openForMining } from '../open_for_mining.ts';
import { duration } from '../progress.ts';
import { ensureWritable, writeTogether } from '../write_together.ts';
import { isMade, MADE_FLAGS, mineMade, refuseMadeFlags } from './mine_made.ts';

/** Rows of the contact sheet. */
const SHEET_ROWS = 24;

export default command({
  meta: { name: 'mine', description: 'Find or make hard negatives: SAR patches of other ground that a model mistakes' },
  args: {
    model: { type: 'string', required: true, valueHint: 'file', description: 'Checkpoint of the matcher' },
    data: { type: 'string', required: true, valueHint: 'folder', description: 'Data set' },
    strategy: {
      type: 'enum',
      options: [...STRATEGIES, ...MADE_STRATEGIES],
      required: true,
      description: 'What to look for, or to make',
    },
    out: { type: 'string', default: 'negatives.jsonl', valueHint: 'file', description: 'Where the negatives go' },
    k: { type: 'string', valueHint: '1', description: 'Negatives for each anchor' },
    rankMin: { type: 'string', valueHint: '0', description: 'Skip so many of the hardest candidates' },
    rankMax: { type: 'string', valueHint: 'n', description: 'Choose among the n hardest candidates only' },
    minScore: { type: 'string', valueHint: 'x', description: 'Skip candidates with a lower score' },
    maxScore: { type: 'string', valueHint: 'x', description: 'Skip candidates with a higher score' },
    absoluteMargin: { type: 'string', valueHint: 'm', description: 'Score at most that of the true pair − m' },
    relativeMargin: { type: 'string', valueHint: 'm', description: 'Score at most that of the true pair · (1 − m)' },
    sampling: { type: 'enum', options: [...SAMPLINGS], default: DEFAULTS.sampling, description: 'Of what passes' },
    maxUses: {
      type: 'string',
      valueHint: `${USES_PER_NEGATIVE}·k`,
      description: 'Anchors that a SAR patch may be the negative of',
    },
    maxCandidates: { type: 'string', valueHint: 'n', description: 'For each anchor, drawn at random from the split' },
    guardMargin: { type: 'string', valueHint: '1', description: 'Patch sides around an anchor to take nothing from' },
    seed: { type: 'string', valueHint: '1', description: 'Of the pools and of what is drawn at random' },
    split: { type: 'enum', options: [...SPLITS], default: 'train', description: 'Split to mine in' },
    analysis: { type: 'boolean', description: 'Allow another split than train; not for training' },
    cache: { type: 'string', valueHint: 'folder', description: 'Where scores are kept; default: beside --out' },
    refreshCache: { type: 'boolean', description: 'Score anew, and replace the scores that are kept' },
    ...MADE_FLAGS,
    sheet: { type: 'boolean', description: `Draw the ${SHEET_ROWS} hardest negatives as a PNG beside --out` },
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
    refuseOtherSplit(split, args.analysis ?? false);
    const guardMargin = numberFlag('guard-margin', args.guardMargin, { min: 0 }) ?? DEFAULTS.guardMargin;
    const limits = {
      seed: numberFlag('seed', args.seed, { integer: true }) ?? DEFAULTS.seed,
      maxUses: numberFlag('max-uses', args.maxUses, { min: 1, integer: true }),
      maxCandidates: numberFlag('max-candidates', args.maxCandidates, { min: 2, integer: true }),
    };
    const paths = miningPaths(args.out);
    await ensureWritable(context.store, paths.folder);
    const { name: backend } = await context.selectBackend(args.backend);
    const dataset = await openDataset(context.store, args.data);
    const { model, cache, dispose } = await openForMining(context.store, args.model, dataset);
    const scores = args.cache ?? paths.cache;
    try {
      const result = await withProgress(context, {
        ...{ store: context.store, dataset, split, model, strategy, rules, guardMargin, ...limits },
        patches: cache,
        guard: placeGuard(dataset.records, { margin: guardMargin }),
        cache: scores,
        refreshCache: args.refreshCache ?? false,
        signal: context.signal,
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
    } catch (error) {
      if (!context.signal.aborted) throw error;
      return interrupted(scores);
    } finally {
      dispose();
    }
  },
});

/** Flags of rules, as they were typed. */
interface RuleFlags {
  k?: string | undefined;
  rankMin?: string | undefined;
  rankMax?: string | undefined;
  minScore?: string | undefined;
  maxScore?: string | undefined;
  absoluteMargin?: string | undefined;
  relativeMargin?: string | undefined;
  sampling: SelectionRules['sampling'];
}

function rulesOf(flags: RuleFlags): SelectionRules {
  const whole = { min: 0, integer: true };
  return {
    k: numberFlag('k', flags.k, { min: 1, integer: true }) ?? DEFAULTS.k,
    rankMin: numberFlag('rank-min', flags.rankMin, whole) ?? DEFAULTS.rankMin,
    rankMax: numberFlag('rank-max', flags.rankMax, whole) ?? DEFAULTS.rankMax,
    minScore: numberFlag('min-score', flags.minScore),
    maxScore: numberFlag('max-score', flags.maxScore),
    absoluteMargin: numberFlag('absolute-margin', flags.absoluteMargin),
    relativeMargin: numberFlag('relative-margin', flags.relativeMargin),
    sampling: flags.sampling,
  };
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

async function withProgress(context: Context, task: MiningTask) {
  let progress: ReturnType<Context['progress']> | undefined;
  try {
    return await mine({
      ...task,
      onProgress(pairs, total) {
        progress ??= context.progress('mining', total, 'pairs');
        progress.update(pairs);
      },
      onEstimate({ pairs, seconds }) {
        context.log(
          `this model takes both patches at once, so each of ${pairs} pairs goes through all of it: ` +
            `about ${duration(seconds)}; --max-candidates lowers that`,
        );
      },
    });
  } finally {
    progress?.stop();
  }
}

function interrupted(cache: string): Outcome {
  const text = `interrupted; the same command goes on from the scores that are kept in ${cache}`;
  return { json: { interrupted: true, cache }, text, exitCode: 130 };
}
