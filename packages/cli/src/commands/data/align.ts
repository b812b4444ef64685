/** `doppel data align`: estimates how far the optical scenes of a data set lie off their SAR scenes. */
import { joinPath, type Model, openModel } from '@doppel/core';
import { type Dataset, openDataset, SPLIT_NAMES } from '@doppel/core/dataset';
import {
  ALIGNMENT_FILE,
  type Alignment,
  alignDataset,
  ALIGNMENT_DEFAULTS as DEFAULTS,
  formatAlignment,
  type SceneAlignment,
} from '@doppel/core/localisation';
import { unseenFeatures } from '@doppel/core/registration';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { BACKEND_FLAG, type Context } from '../../context.ts';
import { number, text, whole } from '../../flags.ts';

export default command({
  name: 'doppel data align',
  words: { folder: text('folder', 'Data set of windows of scenes') },
  flags: {
    tolerance: number('Largest difference in pixels of two estimates that agree', 0).default(DEFAULTS.tolerance),
    side: whole(16, 'Template side in pixels').default(DEFAULTS.side),
    search: whole(4, 'Largest shift that is searched for in each direction, in pixels').default(DEFAULTS.search),
    templates: whole(2, 'Templates of a scene, on a regular grid').default(DEFAULTS.templates),
    matcher: z
      .array(z.string())
      .meta({
        description:
          'Second means: matchers by name or file; a scene is checked by the first that was not trained on it',
        hint: 'models',
      })
      .optional(),
    ...BACKEND_FLAG,
  },
  examples: [
    'doppel data align runs/windows',
    'doppel data align runs/windows --search 32 --tolerance 1 --json',
    'doppel data align runs/windows --matcher runs/first-half/checkpoints/best.safetensors,runs/second-half/checkpoints/best.safetensors',
  ],
  async run({ args, context }) {
    const dataset = await openDataset(context.store, args.folder);
    await context.selectBackend(args);
    const models = await openModels(context, args.matcher ?? []);
    try {
      const features = models.length > 0 ? unseenFeatures(models) : undefined;
      const alignment = await context.work({ label: 'align', unit: 'scenes' }, (watch) =>
        alignDataset(dataset, args, watch, features),
      );
      return await written(context, dataset, alignment);
    } finally {
      for (const model of models) model.dispose();
    }
  },
});

async function openModels({ store }: Context, names: readonly string[]): Promise<Model[]> {
  const models: Model[] = [];
  for (const name of names) models.push(await openModel(store, name));
  return models;
}

async function written({ store }: Context, dataset: Dataset, alignment: Alignment): Promise<Outcome> {
  const file = joinPath(dataset.folder, ALIGNMENT_FILE);
  await store.write(file, formatAlignment(alignment));
  return { json: summaryOf(file, alignment, dataset), text: textOf(file, alignment, dataset) };
}
interface Shifts {
  scenes: number;
  accepted: number;
  /** Length of the accepted shifts in pixels; null where there is none. */
  median: number | null;
  largest: number | null;
}

function shiftsOf(scenes: readonly SceneAlignment[]): Shifts {
  const lengths = scenes.filter(({ accepted }) => accepted).map(({ shift }) => Math.hypot(shift.row, shift.column));
  lengths.sort((a, b) => a - b);
  const middle = (lengths.length - 1) / 2;
  const median = lengths.length > 0 ? (lengths[Math.floor(middle)]! + lengths[Math.ceil(middle)]!) / 2 : null;
  return { scenes: scenes.length, accepted: lengths.length, median, largest: lengths.at(-1) ?? null };
}

/** Scenes by split; one entry "all" where the data set has not been split. */
function bySplit({ scenes }: Alignment, dataset: Dataset): [name: string, scenes: SceneAlignment[]][] {
  if (!dataset.splits) return [['all', scenes]];
  const splitOf = new Map(dataset.scenes.map(({ id, records: [first] }) => [id, dataset.splitOf(first ?? -1)]));
  return SPLIT_NAMES.map((name): [string, SceneAlignment[]] => [
    name,
    scenes.filter(({ id }) => splitOf.get(id) === name),
  ]).filter(([, own]) => own.length > 0);
}

const CHECKED_BY_HALVES = {
  halves: 'checked by two halves of the templates only, which share their errors',
  mixed:
    'scenes that every matcher was trained on were checked by two halves of the templates, which share their errors',
};

const flaggedIn = ({ scenes }: Alignment) => scenes.filter(({ accepted }) => !accepted);

function summaryOf(file: string, alignment: Alignment, dataset: Dataset) {
  const splits = Object.fromEntries(bySplit(alignment, dataset).map(([name, scenes]) => [name, shiftsOf(scenes)]));
  const flagged = flaggedIn(alignment).map(({ id, difference }) => ({ id, difference: difference ?? null }));
  return { file, check: alignment.check, ...shiftsOf(alignment.scenes), splits, flagged };
}

function textOf(file: string, alignment: Alignment, dataset: Dataset): string {
  const shown = (value: number | null) => (value === null ? '–' : `${value.toFixed(2)} px`);
  const lines = bySplit(alignment, dataset).map(([name, scenes]) => {
    const { accepted, median, largest } = shiftsOf(scenes);
    return `${name}: ${accepted} of ${scenes.length} scenes agreed; shift ${shown(median)} in the median, ${shown(largest)} at most`;
  });
  const flagged = flaggedIn(alignment).map(({ id, difference }) =>
    difference === undefined ? `${id} (too few templates)` : `${id} (${difference.toFixed(1)} px apart)`,
  );
  return [
    ...lines,
    ...(flagged.length > 0 ? [`estimates disagree, raw alignment is kept: ${flagged.join(', ')}`] : []),
    ...(alignment.check === 'matcher' ? [] : [CHECKED_BY_HALVES[alignment.check]]),
    `written to ${file}`,
  ].join('\n');
}
