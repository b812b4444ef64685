/** `doppel experiment`: compares ways to find hard negatives, cell by cell, and reports what came out. */
import { commandGroup } from '../command.ts';

const meta = { name: 'experiment', description: 'Compare ways to find hard negatives, over seeds and data budgets' };

export default commandGroup(meta, {
  run: () => import('./experiment/run.ts').then((it) => it.default),
  shortcut: () => import('./experiment/shortcut.ts').then((it) => it.default),
  report: () => import('./experiment/report.ts').then((it) => it.default),
});
