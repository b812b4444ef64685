/** `doppel register evaluate`: registrations against known displacements, beside older methods on the same windows. */
import { joinPath, type Store } from '@doppel/core';
import { SPLITS, type Split } from '@doppel/core/dataset';
import { UsageError } from '@doppel/core/errors';
import {
  BASELINES,
  type EvaluationScene,
  evaluateRegistration,
  evaluationFigures,
  evaluationTable,
  FEATURE_CHOICES,
  registerScenes,
  TASKS,
} from '@doppel/core/registration';
import { z } from 'zod';
import { requireBegunWith } from '../../begun_settings.ts';
import { command } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text, whole, yes } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { readProtocol } from '../data/protocol.ts';
import { withTools } from './pair_flags.ts';
import { SETTINGS_FLAGS } from './settings_flags.ts';
import { siftPeer } from './sift_peer.ts';

const FILES = { rows: 'rows.jsonl', figures: 'figures.json', table: 'table.md', settings: 'settings.json' } as const;
const METHODS = Object.keys(BASELINES) as (keyof typeof BASELINES)[];

/** Comma-separated names out of a list. */
const some = <const T extends string>(names: readonly T[], description: string) =>
  z
    .array(z.enum(names as readonly [T, ...T[]]))
    .meta({ description, hint: 'names', expected: `names separated by commas, of ${names.join(', ')}` });

export default command({
  name: 'doppel register evaluate',
  words: { folder: text('folder', 'Folder of co-registered scenes: sar/NAME.tif, optical/NAME.tif and protocol.json') },
  flags: {
    out: text('folder', `Folder of ${Object.values(FILES).join(', ')}; an evaluation that was stopped goes on there`),
    split: choice(SPLITS, 'Scenes of the protocol that are evaluated').default('test'),
    tasks: some(TASKS, `Tasks, of ${TASKS.join(', ')}; default: all`).optional(),
    features: some(FEATURE_CHOICES, 'Features that the registration compares, each a method of its own').default([
      'both',
    ]),
    views: SETTINGS_FLAGS.views,
    baselines: some(METHODS, `Older methods beside it, of ${METHODS.join(', ')}; default: all`).default(METHODS),
    areas: whole(1, 'Small areas of each scene').default(16),
    sift: text('file', 'Script that registers by SIFT, run by python3 with OpenCV: bench/sift.py').optional(),
    rawTruth: yes('Judge by the files’ own alignment alone, which is quicker'),
    seed: whole(0, 'Seed of the displacements').default(1),
    ...MODEL_FLAG,
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel register evaluate data/demo --out runs/evaluation',
    "doppel register evaluate data/demo --out runs/evaluation --tasks 'level 1,different places' --baselines CFOG",
  ],
  async run({ args, context }) {
    const { store } = context;
    const { views } = args;
    const scenes = await scenesOf(store, args.folder, args.split);
    const [output, figuresFile, table] = [FILES.rows, FILES.figures, FILES.table].map((name) =>
      joinPath(args.out, name),
    );
    const peers = args.sift === undefined ? undefined : { 'SIFT, RANSAC': await siftPeer(args.sift) };
    const isWithModel = args.features.some((features) => features !== 'gradients');
    const interrupted = { text: `interrupted; rows so far are in ${output}, and the same command goes on` };
    const rows = await withTools(
      context,
      { ...args, features: isWithModel ? 'both' : 'gradients' },
      async ({ model, modelName }) => {
        await keepSettings(store, args, model?.info.fingerprint);
        return context.work({ label: 'evaluate', unit: 'registrations', interrupted }, (watch) =>
          evaluateRegistration(
            store,
            {
              ...{
                scenes,
                baselines: args.baselines,
                peers,
                tasks: args.tasks,
                areas: args.areas,
                seed: args.seed,
                output: output!,
              },
              register: (files, { sar, optical, settings }, each) =>
                registerScenes(files, { sar, optical, settings, model, modelName, asNamed: true }, each),
              ways: Object.fromEntries(args.features.map((features) => [`doppel, ${features}`, { features, views }])),
              repaired: !args.rawTruth,
            },
            watch,
          ),
        );
      },
    );
    const figures = evaluationFigures(rows);
    await store.write(figuresFile!, `${JSON.stringify(figures, null, 1)}\n`);
    await store.write(table!, `${evaluationTable(figures)}\n`);
    const files = { rows: output, figures: figuresFile, table };
    return {
      json: { split: args.split, scenes: scenes.length, registrations: rows.length, figures, files },
      text: `${evaluationTable(figures)}\n\n${rows.length} registrations of ${scenes.length} scenes (${args.split}); rows in ${output}`,
    };
  },
});

/** Settings that the rows of all tasks and methods share. */
interface Shared {
  out: string;
  split: Split;
  views: number;
  rawTruth: boolean;
  seed: number;
}

/**
 * Notes the settings as an evaluation begins. Tasks, areas and methods may be added later, as each has rows of its own.
 *
 * @throws UsageError where rows were made with other settings, or nothing says with which.
 */
async function keepSettings(store: Store, { out, ...args }: Shared, matcher: string | undefined): Promise<void> {
  const { split, views, rawTruth, seed } = args;
  const settings = JSON.stringify({ split, views, rawTruth, seed, matcher });
  const [file, rows] = [joinPath(out, FILES.settings), joinPath(out, FILES.rows)];
  const [action, remedy] = [`go on with the evaluation ${out}`, 'Use those, or name another folder.'];
  if (await store.stat(file)) return requireBegunWith(settings, { store, file, action, remedy });
  if (!(await store.stat(rows))) return store.write(file, `${settings}\n`);
  throw new UsageError({
    ...{ action, expected: `the settings it began with in ${file}`, found: `${rows} without them` },
    remedy: 'Name another folder.',
  });
}

async function scenesOf(store: Store, folder: string, split: Split): Promise<EvaluationScene[]> {
  const file = joinPath(folder, 'protocol.json');
  const names = (await readProtocol(store, file)).split[split];
  if (names.length === 0) {
    throw new UsageError({
      action: `evaluate on ${split}`,
      expected: `scenes in ${file}`,
      found: 'none of that split',
    });
  }
  return names.map((id) => ({
    id,
    sar: joinPath(folder, 'sar', `${id}.tif`),
    optical: joinPath(folder, 'optical', `${id}.tif`),
  }));
}
