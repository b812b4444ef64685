/** Seeds of which every planned cell exists: figures of others would compare arms over different seeds. */
import type { Cell } from './cell.ts';
import type { ExperimentConfig } from './config.ts';
import { planCells } from './plan.ts';

/** Cells of those matchers, budgets and seeds that have all arms. */
export function completeSeeds(cells: readonly Cell[], config: ExperimentConfig): Cell[] {
  const keyOf = ({ matcher, budget, seed }: Pick<Cell, 'matcher' | 'budget' | 'seed'>) =>
    `${matcher} ${budget} ${seed}`;
  const whole = planCells(config).filter((group) => {
    const made = new Set(cells.filter((cell) => keyOf(cell) === keyOf(group)).map(({ arm }) => arm));
    return group.arms.every(({ name }) => made.has(name));
  });
  const keys = new Set(whole.map(keyOf));
  return cells.filter((cell) => keys.has(keyOf(cell)));
}
