/** `doppel experiment shortcut`: does a matcher tell made patches from real ones, rather than right pairs from wrong ones? */

import { openDataset, SPLITS } from '@doppel/core/dataset';
import { LATENT_RULES, MATCHES } from '@doppel/core/generator';
import { type MadeScores, measureShortcut, type Shortcut } from '@doppel/experiment';

import { command, numberFlag, type Outcome } from '../../command.ts';
import { BACKEND_FLAG, type Context } from '../../context.ts';
import { openForMining } from '../../open_for_mining.ts';
import { openGeneratorFile } from '../../open_generator.ts';

const DEFAULTS = { pairs: 1000, seed: 1, strength: 1 } as const;

export default command({
  meta: { name: 'shortcut', description: 'Measure whether a matcher goes by made pixels instead of the optical patch' },
  args: {
    generator: { type: 'string', required: true, valueHint: 'file', description: 'Checkpoint of the generator' },
    model: { type: 'string', required: true, valueHint: 'file', description: 'Checkpoint of the matcher' },
    data: { type: 'string', required: true, valueHint: 'folder', description: 'Data set' },
    split: {
      type: 'enum',
      options: [...SPLITS],
      default: 'validation',
      description: 'Where true pairs are taken from',
    },
    rule: { type: 'enum', options: [...LATENT_RULES], default: 'sigma', description: 'Of the negatives beside them' },
    strength: { type: 'string', valueHint: `${DEFAULTS.strength}`, description: 'k of the rule' },
    pairs: { type: 'string', valueHint: `${DEFAULTS.pairs}`, description: 'True pairs, drawn where there are more' },
    seed: { type: 'string', valueHint: `${DEFAULTS.seed}`, description: 'Of the draw and the noise' },
    ...BACKEND_FLAG,
  },
  examples: ['doppel experiment shortcut --generator g.safetensors --model best.safetensors --data data/a --json'],
  async run({ args, context }): Promise<Outcome> {
    const settings = {
      ...{ split: args.split, rule: args.rule },
      strength: numberFlag('strength', args.strength, { min: 0 }) ?? DEFAULTS.strength,
      pairs: numberFlag('pairs', args.pairs, { min: 2, integer: true }) ?? DEFAULTS.pairs,
      seed: numberFlag('seed', args.seed, { min: 0, integer: true }) ?? DEFAULTS.seed,
    };
    const { name: backend } = await context.selectBackend(args.backend);
    const dataset = await openDataset(context.store, args.data);
    const { model, cache, dispose } = await openForMining(context.store, args.model, dataset);
    let progress: ReturnType<Context['progress']> | undefined;
    try {
      const generator = await openGeneratorFile(context.store, args.generator);
      const shortcut = await measureShortcut({
        ...{ dataset, model, patches: cache, generator, signal: context.signal },
        ...settings,
        onProgress(done, total) {
          progress ??= context.progress('measuring', total, 'pairs');
          progress.update(done);
        },
      }).finally(() => generator.dispose());
      for (const warning of shortcut.warnings) context.log(`warning: ${warning}`);
      const where = { model: args.model, generator: args.generator, data: args.data, backend };
      return { json: { ...shortcut, ...where }, text: textOf(shortcut) };
    } finally {
      progress?.stop();
      dispose();
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
    ...MATCHES.map((match) => row(`reconstruction, match ${match}`, reconstructions[match])),
    ...MATCHES.map((match) => row(`${rule} ${strength}, match ${match}`, negatives[match])),
    '',
    'lost: called a match when real, and not when made. Probe AUC: how well the SAR stream alone tells made from real.',
  ].join('\n');
}
