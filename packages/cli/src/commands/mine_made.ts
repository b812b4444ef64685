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
import { z } from 'zod';
import type { Outcome } from '../command.ts';
import type { Context } from '../context.ts';
import { above0, choice, kebab, number, text, type Values, whole } from '../flags.ts';
import { miningPaths } from '../mining_files.ts';
import { type ModelForMining, openForMining } from '../open_for_mining.ts';
import { openGeneratorFile } from '../open_generator.ts';
import { ensureWritable, writeTogether } from '../write_together.ts';

/** Rows of the contact sheet. */
const SHEET_ROWS = 24;

const ADAPTIVE = adaptiveSettingsSchema.parse({});

/** Flags that only these strategies have. */
export const MADE_FLAGS = {
  generator: text('file', 'Checkpoint of the generator (generated, adaptive)').optional(),
  rule: choice(LATENT_RULES, 'How patches are moved in latent space').optional(),
  strength: number(`Strength k of the rule; default ${DEFAULTS.strength} (generated)`).optional(),
  match: choice(MATCHES, 'What made patches take over from their source').optional(),
  reconstructions: z.boolean().optional().meta({ description: 'Also make G(E(x)), to be positives in training' }),
  strengths: z
    .array(z.number().min(1e-6))
    .optional()
    .meta({ description: `One candidate each; default ${ADAPTIVE.strengths} (adaptive)` }),
  perKind: z.boolean().optional().meta({ description: 'k of each kind of candidate, not k in all (adaptive)' }),
  real: whole(0, `Real candidates of an anchor; default ${ADAPTIVE.real} (adaptive)`).optional(),
  nearest: whole(0, `Real ones that look most alike; default ${ADAPTIVE.nearest} (adaptive)`).optional(),
  minDistance: number(`Least distance from the true patch; default ${ADAPTIVE.minDistance} (adaptive)`, 0).optional(),
  ascentSteps: whole(0, 'Steps up the score in latent space; default 0 (adaptive)').optional(),
  ascentSize: above0('Size of a step, in standard deviations; default 0.25 (adaptive)').optional(),
  anchors: whole(2, 'Only for N anchors, drawn at random (adaptive)').optional(),
};

interface MadeArgs extends Values<typeof MADE_FLAGS> {
  strategy: MadeStrategy;
  model: string;
  data: string;
  out: string;
  split: Split;
  sheet: boolean;
  k?: number | undefined;
  seed?: number | undefined;
  minScore?: number | undefined;
  relativeMargin?: number | undefined;
  maxCandidates?: number | undefined;
  maxUses?: number | undefined;
  backend?: string | undefined;
}

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
  throw new UsageError({
    action: `mine by the strategy ${strategy}`,
    expected: 'flags of that strategy',
    found: `--${kebab(given)}`,
    remedy: 'docs/mining.md says which strategy has which flags.',
  });
}

type Made = GeneratedResult | AdaptiveResult;

export async function mineMade(args: MadeArgs, context: Context): Promise<Outcome> {
  const { store } = context;
  refuseSettings(args);
  const paths = miningPaths(args.out);
  await ensureWritable(store, paths.folder);
  const { name: backend } = await context.selectBackend(args);
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
  if (args.generator === undefined && (args.strategy === 'generated' || args.strengths?.length !== 0)) {
    refuse('--generator, the checkpoint of a trained generator', 'none', 'Train one by `doppel generator train`.');
  }
}

function make(
  args: MadeArgs,
  context: Context,
  dataset: Dataset,
  { model, cache }: ModelForMining,
  generator: LatentGenerator | undefined,
): Promise<Made> {
  const { reconstructions = false, seed = DEFAULTS.seed } = args;
  return context.work({ label: 'making negatives', unit: 'anchors' }, async (watch) => {
    const common = { dataset, model, patches: cache, reconstructions, seed, ...watch };
    if (args.strategy === 'generated') {
      const { rule, match, strength, k } = args;
      return mineGenerated({
        ...common,
        generator: generator!,
        ...DEFAULTS,
        ...given({ rule, match, strength, k }),
        seed,
      });
    }
    const guard = placeGuard(dataset.records);
    return mineAdaptive({ ...common, generator, guard, anchors: args.anchors, settings: settingsOf(args) });
  });
}

/** Without what is undefined. */
const given = <T extends object>(values: T) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [name in keyof T]?: Exclude<T[name], undefined>;
  };

/** A share outside 0 to 1 would be a ZodError: the flags of the other strategies take any score. */
function settingsOf({ ascentSteps: steps, ascentSize: size, ...args }: MadeArgs): AdaptiveSettings {
  const known = Object.keys(adaptiveSettingsSchema.shape);
  const settings = Object.fromEntries(Object.entries(args).filter(([name]) => known.includes(name)));
  const parsed = adaptiveSettingsSchema.safeParse({ ...settings, ascent: { steps, size } });
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
  throw new UsageError({ action: `use --${kebab(String(path[0]))}`, expected: message, cause: parsed.error });
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
