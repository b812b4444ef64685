/** The visible tree of commands. Each loads when it is asked for, so that `doctor` and the help on one command stay quick. */
import type { Command, Entry, Group } from './command.ts';
import { VERSION } from './version.ts';

const leaf = (description: string, module: () => Promise<{ default: Command | Group }>): Entry => ({
  ...{ description, load: async () => (await module()).default },
});
const branch = (description: string, group: Group): Entry => ({ description, load: async () => group });

const BENCH: Group = {
  name: 'doppel bench',
  fallback: 'all',
  commands: {
    all: leaf('Ops, the matcher and the generator, one after the other', () => import('./commands/bench_all.ts')),
    dense: leaf(
      'The dense matcher: images per second of training, pairs per second of scoring, seconds for a tile',
      () => import('./commands/bench_dense.ts'),
    ),
    gallery: leaf(
      'Searches per second among many tiles, beside a plain loop and usearch',
      () => import('./commands/bench_gallery.ts'),
    ),
    generator: leaf(
      'Images per second: a training step of encoder, critic and decoder',
      () => import('./commands/bench_generator.ts'),
    ),
    matcher: leaf('Pairs per second: a training step and scoring', () => import('./commands/bench_matcher.ts')),
    ops: leaf(
      'The convolutions of the matcher: GFLOP/s, and their share of what the machine can do',
      () => import('./commands/bench_ops.ts'),
    ),
    roofline: leaf(
      'The least time of each convolution on an A100 and an H100, by data sheet',
      () => import('./commands/bench_roofline.ts'),
    ),
  },
};

const BATCH: Group = {
  name: 'doppel batch',
  commands: {
    plan: leaf('Turn a manifest into a plan of items', () => import('./commands/batch/plan.ts')),
    run: leaf('Run the items of a plan, or one shard of them', () => import('./commands/batch/run.ts')),
    status: leaf(
      'Say what is done, what runs, what failed and why, and how long the rest takes',
      () => import('./commands/batch/status.ts'),
    ),
    merge: leaf('Merge the results of all items into one file', () => import('./commands/batch/merge.ts')),
  },
};

const DATA_IMPORT: Group = {
  name: 'doppel data import',
  commands: {
    scenes: leaf(
      'Cut pairs of co-registered scenes into pairs of patches',
      () => import('./commands/data/import_scenes.ts'),
    ),
    folder: leaf(
      'Import patches that are cut already, paired by their names',
      () => import('./commands/data/import_folder.ts'),
    ),
    sarptical: leaf(
      'Import SARptical: point_<id>_ampPatch.mat and point_<id>_*.png',
      () => import('./commands/data/import_sarptical.ts'),
    ),
    'optical-sar': leaf(
      'Import the public Optical-SAR data set: opt/NNN.png, sar/NNN.png and metadata.json',
      () => import('./commands/data/import_optical_sar.ts'),
    ),
  },
};

const DATA: Group = {
  name: 'doppel data',
  commands: {
    import: branch('Make a data set from scenes, from a folder of patches, or from a public data set', DATA_IMPORT),
    locate: leaf(
      'Say where the scenes of a data set of windows lie, after they were moved',
      () => import('./commands/data/locate.ts'),
    ),
    align: leaf(
      'Estimate the shift of the optical against the SAR scenes, and write alignment.json',
      () => import('./commands/data/align.ts'),
    ),
    split: leaf('Divide a data set by place: train, validation and test', () => import('./commands/data/split.ts')),
    inspect: leaf(
      'Look at a data set: counts, values, a contact sheet, suspicious positives',
      () => import('./commands/data/inspect.ts'),
    ),
  },
};

const EXPERIMENT: Group = {
  name: 'doppel experiment',
  commands: {
    run: leaf('Run the cells of an experiment that are missing', () => import('./commands/experiment/run.ts')),
    test: leaf(
      'Measure one matcher on shuffled pairs, look-alikes and shifts',
      () => import('./commands/experiment/test.ts'),
    ),
    templates: leaf(
      'Measure how often templates are found within some pixels, by a matcher and by oriented gradients',
      () => import('./commands/experiment/templates.ts'),
    ),
    maps: leaf('Draw pairs beside their correlation maps, as a page', () => import('./commands/experiment/maps.ts')),
    shortcut: leaf(
      'Measure whether a matcher recognises generated pixels instead of comparing the pair',
      () => import('./commands/experiment/shortcut.ts'),
    ),
    report: leaf(
      'Merge the cells of an experiment into results.json and report.html',
      () => import('./commands/experiment/report.ts'),
    ),
  },
};

const GALLERY: Group = {
  name: 'doppel gallery',
  commands: {
    build: leaf('Embed scenes, in which patches are then searched', () => import('./commands/gallery/build.ts')),
    add: leaf('Embed further scenes into a gallery', () => import('./commands/gallery/add.ts')),
    info: leaf('Say what a gallery holds', () => import('./commands/gallery/info.ts')),
    search: leaf('Find the places that a patch may show', () => import('./commands/gallery/search.ts')),
    evaluate: leaf(
      'Measure how often search finds the places of patches',
      () => import('./commands/gallery/evaluate.ts'),
    ),
  },
};

const GENERATOR: Group = {
  name: 'doppel generator',
  commands: {
    train: leaf('Train a generator on the SAR patches of a data set', () => import('./commands/generator/train.ts')),
    sample: leaf(
      'Make SAR patches: from the prior, around a patch, or between two',
      () => import('./commands/generator/sample.ts'),
    ),
    pack: leaf('Leave out what only training needs, to hand it on', () => import('./commands/generator/pack.ts')),
    evaluate: leaf(
      'Measure how closely generated patches resemble real SAR patches',
      () => import('./commands/generator/evaluate.ts'),
    ),
  },
};

const REGISTER: Group = {
  name: 'doppel register',
  fallback: 'scenes',
  commands: {
    scenes: leaf(
      'Register an optical scene to a SAR scene: tie points, a judged correction, an aligned scene, a report',
      () => import('./commands/register/scenes.ts'),
    ),
    apply: leaf(
      'Apply the correction of a registration to other files of the same scene',
      () => import('./commands/register/apply.ts'),
    ),
    batch: leaf('Register many pairs of scenes, with one summary', () => import('./commands/register/batch.ts')),
    evaluate: leaf(
      'Measure how well registration undoes known displacements, beside other methods',
      () => import('./commands/register/evaluate.ts'),
    ),
    qa: leaf(
      'Judge an aligned series: the bias of each scene, and steps in time',
      () => import('./commands/register/qa.ts'),
    ),
  },
};

const SERVE_KEYS: Group = {
  name: 'doppel serve keys',
  commands: {
    add: leaf('Make a key and print it, once', () => import('./commands/serve/keys_add.ts')),
    list: leaf('List the keys by name', () => import('./commands/serve/keys_list.ts')),
    remove: leaf('Remove a key', () => import('./commands/serve/keys_remove.ts')),
  },
};

const SERVE: Group = {
  name: 'doppel serve',
  fallback: 'run',
  commands: {
    run: leaf('Start the server', () => import('./commands/serve/run.ts')),
    keys: branch('Make, list and remove the keys of clients', SERVE_KEYS),
  },
};

const COMMANDS: Group = {
  name: 'doppel',
  commands: {
    batch: branch('Long work in parts, on one machine or by a scheduler: plan, run, status, merge', BATCH),
    bench: branch('Time the models and their ops on a backend', BENCH),
    data: branch('Import, locate, align, split and inspect data sets', DATA),
    doctor: leaf('Say which backends work here, which do not, and why', () => import('./commands/doctor.ts')),
    evaluate: leaf(
      'Measure a trained matcher on places that it never saw, and write a report',
      () => import('./commands/evaluate.ts'),
    ),
    experiment: branch('Compare ways to find hard negatives, over seeds and data budgets', EXPERIMENT),
    export: leaf('Write a matcher for other runtimes: ONNX, Triton', () => import('./commands/export.ts')),
    gallery: branch('Search the place of a patch in many scenes', GALLERY),
    generator: branch('Train a generator of SAR patches, make patches with it, measure them', GENERATOR),
    mine: leaf(
      'Find or make hard negatives: SAR patches of other ground that a model mistakes',
      () => import('./commands/mine.ts'),
    ),
    register: branch('Register a SAR and an optical scene, and prove how good the result is', REGISTER),
    score: leaf('Say whether a SAR and an optical image show the same place', () => import('./commands/score.ts')),
    serve: branch('Serve match scores over HTTP', SERVE),
    train: leaf('Train a matcher on a data set', () => import('./commands/train.ts')),
    verify: leaf(
      'Hold a backend against reference values (a folder of *.safetensors cases)',
      () => import('./commands/verify.ts'),
    ),
  },
};

/** Root of the tree. */
export const DOPPEL = branch(
  `doppel ${VERSION}: tells whether a SAR and an optical patch show the same place, and learns it from few labelled pairs`,
  COMMANDS,
);
