/** `doppel experiment shortcut`: measures whether a matcher recognises generated patches instead of wrong pairs. */
import { openModel } from '@doppel/core';
import { openDataset, SPLITS } from '@doppel/core/dataset';
import { LATENT_RULES } from '@doppel/core/generator';
import { type MadeScores, measureShortcut, type Shortcut } from '@doppel/experiment';
import { command, type Outcome } from '../../command.ts';
import { BACKEND_FLAG } from '../../context.ts';
import { choice, number, text, whole } from '../../flags.ts';
import { GENERATOR_FLAG } from '../../generator_flag.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { openGeneratorFile } from '../../open_generator.ts';

export default command({
  name: 'doppel experiment shortcut',
  flags: {
    ...GENERATOR_FLAG,
    ...MODEL_FLAG,
    data: text('folder', 'Data set'),
    split: choice(SPLITS, 'Split that true pairs are taken from').default('validation'),
    rule: choice(LATENT_RULES, 'Latent rule of the negatives beside them').default('sigma'),
    strength: number('Strength k of the rule', 0).default(1),
    pairs: whole(2, 'True pairs, drawn at random if there are more').default(1000),
    seed: whole(0, 'Seed of the draw and the noise').default(1),
    ...BACKEND_FLAG,
  },
  examples: ['doppel experiment shortcut --generator g.safetensors --model best.safetensors --data data/a --json'],
  async run({ args, context }): Promise<Outcome> {
    const { split, rule, strength, pairs, seed } = args;
    const { name: backend } = await context.selectBackend(args);
    const dataset = await openDataset(context.store, args.data);
    const opened = await openModel(context.store, args.model);
    try {
      const model = opened.atSide(dataset.header.side);
      const generator = await openGeneratorFile(context.store, args.generator);
      const task = { dataset, model, patches: model.patchesOf(dataset), generator, split, rule, strength, pairs, seed };
      const shortcut = await context
        .work({ label: 'measuring', unit: 'pairs' }, (watch) => measureShortcut({ ...task, ...watch }))
        .finally(() => generator.dispose());
      for (const warning of shortcut.warnings) context.log(`warning: ${warning}`);
      const where = { model: args.model, generator: args.generator, data: args.data, backend };
      return { json: { ...shortcut, ...where }, text: textOf(shortcut) };
    } finally {
      opened.dispose();
    }
  },
});

function textOf({ pairs, places, split, real, reconstructions, negatives, rule, strength }: Shortcut): string {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  const row = (name: string, scores: typeof real & Partial<MadeScores>) =>
    [
      name.padEnd(34),
      scores.score.toFixed(2).padStart(8),
      scores.probability.toFixed(3).padStart(12),
      share(scores.called).padStart(16),
      (scores.lost === undefined ? '' : share(scores.lost)).padStart(8),
      (scores.gained === undefined ? '' : share(scores.gained)).padStart(8),
      (typeof scores.probeAuc === 'number' ? scores.probeAuc.toFixed(3) : '').padStart(10),
    ].join('');
  return [
    `${pairs} true pairs of ${places} places (${split}); each SAR patch beside its own optical patch`,
    '',
    `${''.padEnd(34)}   score probability called a match    lost  gained probe AUC`,
    row('real', real),
    ...Object.entries(reconstructions).map(([match, scores]) => row(`reconstruction, match ${match}`, scores)),
    ...Object.entries(negatives).map(([match, scores]) => row(`${rule} ${strength}, match ${match}`, scores)),
    '',
    'lost: called a match when real, and not when made. Probe AUC: how well the SAR stream alone tells made from real.',
  ].join('\n');
}
