/** The visible list of commands. Each loads when it is asked for, so that `--help` and `doctor` stay quick. */
import type { DoppelCommand } from './command.ts';

const load = (module: Promise<{ default: DoppelCommand }>) => module.then((it) => it.default);

export const COMMANDS: Record<string, () => Promise<DoppelCommand>> = {
  bench: () => load(import('./commands/bench.ts')),
  data: () => load(import('./commands/data.ts')),
  doctor: () => load(import('./commands/doctor.ts')),
  evaluate: () => load(import('./commands/evaluate.ts')),
  experiment: () => load(import('./commands/experiment.ts')),
  generator: () => load(import('./commands/generator.ts')),
  mine: () => load(import('./commands/mine.ts')),
  score: () => load(import('./commands/score.ts')),
  serve: () => load(import('./commands/serve.ts')),
  train: () => load(import('./commands/train.ts')),
  verify: () => load(import('./commands/verify.ts')),
};
