/** `doppel experiment templates`: how often templates are found within some pixels, by a matcher and by oriented gradients. */
import { openModel } from '@doppel/core';
import { openDataset } from '@doppel/core/dataset';
import { readAlignment, type Shift } from '@doppel/core/localisation';
import { measureTemplates, type TemplateAccuracy, WITHIN } from '@doppel/experiment';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { COMPUTE_FLAGS, type Context } from '../../context.ts';
import { choice, text, whole } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { SETTINGS_FLAGS } from '../register/settings_flags.ts';

export default command({
  name: 'doppel experiment templates',
  flags: {
    ...MODEL_FLAG,
    data: text('folder', 'Data set of windows of scenes'),
    split: choice(['test', 'validation'], 'Split that is measured on').default('test'),
    alignment: choice(
      ['raw', 'repaired'],
      'With repaired, also by alignment.json, on the scenes that it accepts',
    ).default('raw'),
    sides: z.array(z.int().min(16).multipleOf(2)).nonempty().default([64, 96, 128]).meta({
      description: 'Sides of the templates in pixels',
      expected: 'even numbers from 16 on, with commas between',
    }),
    search: whole(10, 'Largest displacement that is searched in each direction, in pixels').default(16),
    views: SETTINGS_FLAGS.views,
    templates: whole(1, 'Templates of a scene').default(64),
    seed: whole(0, 'Seed of the places').default(1),
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel experiment templates --data runs/windows',
    'doppel experiment templates --data runs/windows --alignment repaired --sides 64 --search 32 --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { name: backend } = await context.selectBackend(args);
    const dataset = await openDataset(context.store, args.data);
    const repaired = args.alignment === 'repaired' ? await acceptedShifts(context, dataset) : undefined;
    const model = await openModel(context.store, args.model);
    try {
      const { split, sides, search, views, templates: count, seed } = args;
      const task = { split, sides, search, views, count, seed, repaired };
      const rows = await context.work({ label: 'templates', unit: 'scenes' }, (watch) =>
        measureTemplates(dataset, model, task, watch),
      );
      const where = { model: args.model, fingerprint: model.info.fingerprint, data: args.data, split, views, backend };
      return { json: { ...where, within: WITHIN, rows }, text: textOf(rows, search) };
    } finally {
      model.dispose();
    }
  },
});

async function acceptedShifts(
  { store }: Context,
  dataset: Parameters<typeof readAlignment>[1],
): Promise<ReadonlyMap<string, Shift>> {
  const { scenes } = await readAlignment(store, dataset);
  return new Map(scenes.filter(({ accepted }) => accepted).map(({ id, shift }) => [id, shift]));
}

function textOf(rows: readonly TemplateAccuracy[], search: number): string {
  const perCent = (shares: readonly number[]) => shares.map((share) => (100 * share).toFixed(1).padStart(5)).join(' ');
  const lines = rows.map(({ method, side, alignment, templates, found, best }) =>
    [method.padEnd(10), String(side).padStart(4), alignment.padEnd(9), String(templates).padStart(6)]
      .join(' ')
      .concat(`   ${perCent(found)}   ${perCent(best)}`),
  );
  return [
    `Share in per cent within ${WITHIN.join(', ')} px, search ± ${search} px; of all templates, and of the half whose peak stands out most`,
    ...lines,
  ].join('\n');
}
