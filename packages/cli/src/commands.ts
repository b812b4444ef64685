/** The visible tree of commands. Each loads when it is asked for, so that `doctor` and the help on one command stay quick. */
import type { Command, Group } from './command.ts';
import { VERSION } from './version.ts';

const load = (module: Promise<{ default: Command | Group }>) => module.then((it) => it.default);

const BENCH: Group = {
  name: 'doppel bench',
  description: 'Time the models and their ops on a backend',
  fallback: 'all',
  commands: {
    all: () => load(import('./commands/bench_all.ts')),
    generator: () => load(import('./commands/bench_generator.ts')),
    matcher: () => load(import('./commands/bench_matcher.ts')),
    ops: () => load(import('./commands/bench_ops.ts')),
    roofline: () => load(import('./commands/bench_roofline.ts')),
  },
};

const DATA_IMPORT: Group = {
  name: 'doppel data import',
  description: 'Make a data set from scenes, from a folder of patches, or from SARptical',
  commands: {
    scenes: () => load(import('./commands/data/import_scenes.ts')),
    folder: () => load(import('./commands/data/import_folder.ts')),
    sarptical: () => load(import('./commands/data/import_sarptical.ts')),
  },
};

const DATA: Group = {
  name: 'doppel data',
  description: 'Import, split and inspect data sets',
  commands: {
    import: async () => DATA_IMPORT,
    split: () => load(import('./commands/data/split.ts')),
    inspect: () => load(import('./commands/data/inspect.ts')),
  },
};

const EXPERIMENT: Group = {
  name: 'doppel experiment',
  description: 'Compare ways to find hard negatives, over seeds and data budgets',
  commands: {
    run: () => load(import('./commands/experiment/run.ts')),
    shortcut: () => load(import('./commands/experiment/shortcut.ts')),
    report: () => load(import('./commands/experiment/report.ts')),
  },
};

const GENERATOR: Group = {
  name: 'doppel generator',
  description: 'Train a generator of SAR patches, make patches with it, measure them',
  commands: {
    train: () => load(import('./commands/generator/train.ts')),
    sample: () => load(import('./commands/generator/sample.ts')),
    evaluate: () => load(import('./commands/generator/evaluate.ts')),
  },
};

export const DOPPEL: Group = {
  name: 'doppel',
  description: `doppel ${VERSION}: tells whether a SAR and an optical patch show the same place, and learns it from few labelled pairs`,
  commands: {
    bench: async () => BENCH,
    data: async () => DATA,
    doctor: () => load(import('./commands/doctor.ts')),
    evaluate: () => load(import('./commands/evaluate.ts')),
    experiment: async () => EXPERIMENT,
    generator: async () => GENERATOR,
    mine: () => load(import('./commands/mine.ts')),
    score: () => load(import('./commands/score.ts')),
    serve: () => load(import('./commands/serve.ts')),
    train: () => load(import('./commands/train.ts')),
    verify: () => load(import('./commands/verify.ts')),
  },
};
