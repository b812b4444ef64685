/** `doppel generator`: trains a generator of SAR patches, makes patches with it, and measures how real they are. */
import { commandGroup } from '../command.ts';

const meta = { name: 'generator', description: 'Train a generator of SAR patches, make patches with it, measure them' };

export default commandGroup(meta, {
  train: () => import('./generator/train.ts').then((it) => it.default),
  sample: () => import('./generator/sample.ts').then((it) => it.default),
  evaluate: () => import('./generator/evaluate.ts').then((it) => it.default),
});
