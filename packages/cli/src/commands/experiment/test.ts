/** `doppel experiment test`: measures one matcher on the test sets of the experiment, from easy to hard. */
import { openModel } from '@doppel/core';
import { makeTestSets, measureTestSets, scoreTestSets } from '@doppel/experiment';
import { command, type Outcome } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text, whole } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { alignedData } from './aligned_data.ts';

export default command({
  name: 'doppel experiment test',
  flags: {
    ...MODEL_FLAG,
    data: text('folder', 'Data set'),
    split: choice(['test', 'validation'], 'Split that is measured on').default('test'),
    alignment: choice(['raw', 'repaired'], 'Places of the optical patches: as they are, or by alignment.json').default(
      'raw',
    ),
    positives: whole(2, 'True pairs, drawn at random if there are more; default: all').optional(),
    shift: whole(1, 'Pixels by which the true SAR patch is shifted in the hardest set').default(16),
    seed: whole(0, 'Seed of the draws and the intervals').default(1),
    resamples: whole(1, 'Bootstrap resamples for the intervals').default(1000),
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel experiment test --model runs/a/checkpoints/best.safetensors --data runs/windows',
    'doppel experiment test --model best.safetensors --data runs/windows --alignment repaired --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { name: backend } = await context.selectBackend(args);
    const dataset = await alignedData(context, args);
    const opened = await openModel(context.store, args.model);
    try {
      const model = opened.atSide(dataset.header.side);
      const { split, seed, positives, resamples } = args;
      const all = dataset.records.length;
      const settings = { split, seed, positives: positives ?? all, lookAlikes: all, shifts: [args.shift] };
      const unlisted = { shortcutPairs: 0, resamples, permutations: 1 };
      const { scored, tests } = await context.work({ label: 'scoring', unit: 'pairs' }, async (watch) => {
        const made = await makeTestSets(dataset, model.normalisation, { ...settings, ...unlisted }, watch.signal);
        return { tests: made, scored: await scoreTestSets(model, made, watch) };
      });
      if (tests.mirrored > 0) {
        context.log(`${tests.mirrored} shifted patches are mirrored at the edge: they have no neighbour there`);
      }
      const sets = measureTestSets(scored, tests, { resamples, seed });
      const where = { model: args.model, fingerprint: model.info.fingerprint, data: args.data, backend };
      const facts = {
        split,
        alignment: args.alignment,
        positives: tests.positives.length,
        places: tests.places.length,
        mirrored: tests.mirrored,
      };
      return { json: { ...where, ...facts, tests: tests.fingerprint, sets }, text: textOf(facts, sets) };
    } finally {
      opened.dispose();
    }
  },
});

type Sets = ReturnType<typeof measureTestSets>;

const COLUMNS = [
  ['ROC-AUC', 'auc'],
  ['accuracy', 'accuracy'],
  ['FPR at 80 % recall', 'fpr80'],
  ['FPR at 95 % recall', 'fpr95'],
] as const;

function textOf(facts: { split: string; alignment: string; positives: number; places: number }, sets: Sets): string {
  const { split, alignment, positives, places } = facts;
  const rows = Object.entries(sets).map(([set, metrics]) => {
    const cells = COLUMNS.map(([, metric]) => {
      const { mean, interval } = metrics[metric];
      const range = interval && ` [${interval.map((bound) => bound.toFixed(3)).join(', ')}]`;
      return `${mean.toFixed(4)}${range ?? ''}`.padStart(24);
    });
    return `${set.padEnd(12)}${cells.join('')}`;
  });
  return [
    `${positives} true pairs of ${places} places (${split}), ${alignment} alignment`,
    `${''.padEnd(12)}${COLUMNS.map(([name]) => name.padStart(24)).join('')}`,
    ...rows,
    "Accuracy at the checkpoint's threshold; intervals of 95 % over places.",
  ].join('\n');
}
