/** The strategies of `doppel mine` that make patches: `generated` and `adaptive`. */
import { nameOf, UsageError } from '@doppel/core';
import { type Dataset, openDataset, placeGuard, type Split } from '@doppel/core/dataset';
import { LATENT_RULES, type LatentGenerator, MATCHES, patchAt } from '@doppel/core/generator';
import {
  type AdaptiveResult,
  type AdaptiveSettings,
  adaptiveSettingsSchema,
  GENERATED_DEFAULTS as DEFAULTS,
  type GeneratedResult,
  MADE_STRATEGIES,
  type MadeStrategy,
  mineAdaptive,
  mineGenerated,
  patchesFile,
  writeMade,
} from '@doppel/core/mining';
import { hardestNegatives, negativesSheet } from '@doppel/report';

import type { ArgsDef } from 'citty';
import { numberFlag, type Outcome } from '../command.ts';
import type { Context } from '../context.ts';
import { miningPaths } from '../mining_files.ts';
import { type ModelForMining, openForMining } from '../open_for_mining.ts';
import { openGeneratorFile } from '../open_generator.ts';
import { ensureWritable, writeTogether } from '../write_together.ts';

/** Rows of the contact sheet. */
const SHEET_ROWS = 24;

const ADAPTIVE = adaptiveSettingsSchema.parse({});

/** Flags that only these strategies have. */
export const MADE_FLAGS = {
  generator: { type: 'string', valueHint: 'file', description: 'Checkpoint of the generator (generated, adaptive)' },
  rule: { type: 'enum', options: [...LATENT_RULES], description: 'How patches are moved in latent space' },
  strength: { type: 'string', valueHint: `${DEFAULTS.strength}`, description: 'How far: k of the rule (generated)' },
  match: { type: 'enum', options: [...MATCHES], description: 'What made patches take over from their source' },
  reconstructions: { type: 'boolean', description: 'Also make G(E(x)), to be positives in training' },
  strengths: { type: 'string', valueHint: ADAPTIVE.strengths.join(','), description: 'One candidate each (adaptive)' },
  perKind: { type: 'boolean', description: 'k of each kind of candidate, instead of k in all (adaptive)' },
  real: { type: 'string', valueHint: `${ADAPTIVE.real}`, description: 'Real candidates of an anchor (adaptive)' },
  nearest: {
    type: 'string',
    valueHint: `${ADAPTIVE.nearest}`,
    description: 'Real ones that look most alike (adaptive)',
  },
  minDistance: { type: 'string', valueHint: `${ADAPTIVE.minDistance}`, description: 'From the true patch (adaptive)' },
  ascentSteps: { type: 'string', valueHint: '0', description: 'Steps up the score in latent space (adaptive)' },
  ascentSize: { type: 'string', valueHint: '0.25', description: 'Of a step, in standard deviations (adaptive)' },
  anchors: { type: 'string', valueHint: 'n', description: 'Only for so many, drawn at random (adaptive)' },
} satisfies ArgsDef;

type MadeFlag = Exclude<keyof typeof MADE_FLAGS, 'reconstructions' | 'perKind'>;
export type MadeArgs = Partial<
  Record<
    MadeFlag | 'k' | 'seed' | 'minScore' | 'relativeMargin' | 'maxCandidates' | 'maxUses' | 'backend',
    string | undefined
  >
> & {
  strategy: MadeStrategy;
  model: string;
  data: string;
  out: string;
  split: Split;
  reconstructions?: boolean | undefined;
  perKind?: boolean | undefined;
  sheet?: boolean | undefined;
  rule?: AdaptiveSettings['rule'] | undefined;
  match?: AdaptiveSettings['match'] | undefined;
};

/** Rules that choose by rank among real patches mean nothing here. */
const OTHER_FLAGS = [
  'rankMin',
  'rankMax',
  'maxScore',
  'absoluteMargin',
  'guardMargin',
  'cache',
  'refreshCache',
] as const;
const OF_ADAPTIVE = [
  'perKind',
  'strengths',
  'real',
  'nearest',
  'minDistance',
  'ascentSteps',
  'ascentSize',
  'anchors',
  'minScore',
  'relativeMargin',
  'maxCandidates',
  'maxUses',
] as const;

export const isMade = (strategy: string): strategy is MadeStrategy => MADE_STRATEGIES.some((each) => each === strategy);

/** @throws UsageError where a flag belongs to another strategy. */
export function refuseMadeFlags(args: object, strategy: string): void {
  refuseFlags(args, Object.keys(MADE_FLAGS), strategy);
}

function refuseFlags(args: object, flags: readonly string[], strategy: string): void {
  const given = flags.find((flag) => (args as Record<string, unknown>)[flag] !== undefined);
  if (given === undefined) return;
  const flag = `--${given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new UsageError({
    action: `mine by the strategy ${strategy}`,
    expected: 'flags of that strategy',
    found: flag,
    remedy: 'docs/mining.md says which strategy has which flags.',
  });
}

type Made = GeneratedResult | AdaptiveResult;

export async function mineMade(args: MadeArgs, context: Context): Promise<Outcome> {
  const { store, signal } = context;
  refuseSettings(args);
  const paths = miningPaths(args.out);
  await ensureWritable(store, paths.folder);
  const { name: backend } = await context.selectBackend(args.backend);
  const dataset = await openDataset(store, args.data);
  const opened = await openForMining(store, args.model, dataset);
  let generator: LatentGenerator | undefined;
  try {
    generator = args.generator === undefined ? undefined : await openGeneratorFile(store, args.generator);
    const made = await make(args, context, dataset, opened, generator);
    for (const warning of made.report.warnings) context.log(`warning: ${warning}`);
    const where = { model: args.model, generator: args.generator ?? null, data: args.data, backend };
    const files = await writeMade(made.header, made.negatives, made.patches, dataset.records, paths.negatives);
    files.set(
      nameOf(paths.report),
      `${JSON.stringify({ ...made.report, ...where, settings: made.header }, null, 2)}\n`,
    );
    if (args.sheet) files.set(nameOf(paths.sheet), await sheetOf(made, dataset));
    await writeTogether(store, paths.folder, files);
    const json = {
      ...made.report,
      file: paths.negatives,
      patches: patchesFile(paths.negatives),
      report: paths.report,
      ...where,
    };
    return { json, text: textOf(made, paths) };
  } catch (error) {
    if (!signal.aborted) throw error;
    return { json: { interrupted: true }, text: 'interrupted; nothing was written', exitCode: 130 };
  } finally {
    generator?.dispose();
    opened.dispose();
  }
}

function refuseSettings(args: MadeArgs): void {
  const refuse = (expected: string, found: string, remedy: string): never => {
    throw new UsageError({ action: `mine by the strategy ${args.strategy}`, expected, found, remedy });
  };
  refuseFlags(
    args,
    args.strategy === 'generated' ? [...OTHER_FLAGS, ...OF_ADAPTIVE] : [...OTHER_FLAGS, 'strength'],
    args.strategy,
  );
  if (args.split !== 'train') {
    refuse(
      '--split train',
      `--split ${args.split}`,
      'Made patches are for training only; nothing is tested or validated on them.',
    );
  }
  if (args.generator === undefined && (args.strategy === 'generated' || args.strengths !== '')) {
    refuse('--generator, the checkpoint of a trained generator', 'none', 'Train one by `doppel generator train`.');
  }
}

async function make(
  args: MadeArgs,
  context: Context,
  dataset: Dataset,
  { model, cache }: ModelForMining,
  generator: LatentGenerator | undefined,
): Promise<Made> {
  const progress = { bar: undefined as ReturnType<Context['progress']> | undefined };
  const common = {
    ...{ dataset, model, patches: cache, signal: context.signal },
    reconstructions: args.reconstructions ?? false,
    seed: numberFlag('seed', args.seed, { min: 0, integer: true }) ?? DEFAULTS.seed,
    onProgress(done: number, total: number) {
      progress.bar ??= context.progress('making negatives', total, 'anchors');
      progress.bar.update(done);
    },
  };
  try {
    if (args.strategy === 'generated') {
      const { rule = DEFAULTS.rule, match = DEFAULTS.match } = args;
      const strength = numberFlag('strength', args.strength) ?? DEFAULTS.strength;
      const k = numberFlag('k', args.k, { min: 1, max: 1000, integer: true }) ?? DEFAULTS.k;
      return await mineGenerated({ ...common, generator: generator!, rule, match, strength, k });
    }
    const anchors = numberFlag('anchors', args.anchors, { min: 2, integer: true });
    const guard = placeGuard(dataset.records);
    return await mineAdaptive({ ...common, generator, guard, anchors, settings: settingsOf(args) });
  } finally {
    progress.bar?.stop();
  }
}

function settingsOf(args: MadeArgs): AdaptiveSettings {
  const whole = (name: 'k' | 'real' | 'nearest' | 'maxCandidates' | 'maxUses' | 'ascentSteps', min: number) =>
    numberFlag(name, args[name], { min, integer: true });
  const share = (name: 'minScore' | 'relativeMargin') => numberFlag(name, args[name], { min: 0, max: 1 });
  const list = args.strengths?.split(',').filter((text) => text.trim() !== '');
  const given = {
    ...{
      k: whole('k', 1),
      real: whole('real', 0),
      nearest: whole('nearest', 0),
      maxCandidates: whole('maxCandidates', 2),
      maxUses: whole('maxUses', 1),
    },
    ...{ minScore: share('minScore'), relativeMargin: share('relativeMargin'), rule: args.rule, match: args.match },
    perKind: args.perKind,
    minDistance: numberFlag('min-distance', args.minDistance, { min: 0 }),
    strengths: list?.map((text) => numberFlag('strengths', text, { min: 1e-6 })!),
    ascent: { steps: whole('ascentSteps', 0), size: numberFlag('ascent-size', args.ascentSize, { min: 1e-6 }) },
  };
  return adaptiveSettingsSchema.parse(given);
}

/** The made ones among the hardest are drawn as the decoder gave them, in prepared numbers. */
async function sheetOf({ negatives, patches }: Made, dataset: Dataset): Promise<Uint8Array> {
  const first = dataset.records.length;
  const all = negatives
    .filter(({ label }) => label === 0)
    .map((negative) => ({ ...negative, sar: 'sar' in negative ? negative.sar : first + negative.patch }));
  const { side } = patches;
  const source = {
    readOptical: (index: number) => dataset.readOptical(index),
    readSar: async (index: number) =>
      index < first
        ? dataset.readSar(index)
        : {
            data: patchAt(patches, index - first),
            width: side,
            height: side,
            bands: 1,
            unit: 'digital number' as const,
          },
  };
  return negativesSheet(source, hardestNegatives(all, SHEET_ROWS));
}

const COLUMNS = ['min', 'q05', 'median', 'q95', 'max', 'mean'] as const;

function textOf({ header, negatives, report }: Made, paths: { negatives: string; report: string }): string {
  const { quantiles, seconds } = report;
  const cells = (values: readonly string[]) => values.map((value) => value.padStart(7)).join(' ');
  const rows = Object.entries(quantiles).flatMap(([name, summary]) =>
    summary ? [`${name.padEnd(17)}${cells(COLUMNS.map((column) => summary[column].toFixed(3)))}`] : [],
  );
  const dropped = Object.entries('dropped' in report ? report.dropped : {}).filter(([, n]) => n > 0);
  return [
    `${negatives.filter(({ label }) => label === 0).length} negatives for ${report.anchors} anchors by the strategy ${header.strategy}`,
    '',
    `${'probability'.padEnd(17)}${cells([...COLUMNS])}`,
    ...rows,
    '',
    ...dropped.map(([reason, n]) => `dropped as ${reason}: ${n} candidates`),
    `made in ${seconds.toFixed(1)} s`,
    `negatives: ${paths.negatives}`,
    `patches: ${patchesFile(paths.negatives)}`,
    `report: ${paths.report}`,
  ].join('\n');
}
