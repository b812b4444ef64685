/** `doppel evaluate`: metrics of a trained matcher on held-out places. */
import { joinPath, MODELS, type Model, openModel } from '@doppel/core';
import { type Dataset, openDataset, placeGuard, SPLITS, type Split } from '@doppel/core/dataset';
import {
  BOOTSTRAP_DEFAULTS,
  calibrateOn,
  EVALUATION_DEFAULTS as DEFAULTS,
  type Evaluation,
  type EvaluationTask,
  evaluatePairs,
  hardestOf,
  type ScoringTask,
  SEARCH_DEFAULTS,
} from '@doppel/core/evaluation';
import { architecturesWith, type Calibration } from '@doppel/core/matcher';
import { checkHeldOut } from '@doppel/core/training';
import { dataUri, type PicturedPair, pictureOf, type Report } from '@doppel/report';
import { command, type Outcome } from '../command.ts';
import { COMPUTE_FLAGS, type Context } from '../context.ts';
import { evaluationFiles, evaluationText, metricsJson } from '../evaluation_files.ts';
import { choice, text, type Values, whole } from '../flags.ts';
import { MODEL_FLAG } from '../model_flag.ts';
import { resultFolder } from '../result_folder.ts';
import { hasFonts } from '../svg_to_png.ts';
import { VERSION } from '../version.ts';
import { ensureWritable, writeTogether } from '../write_together.ts';

/** Mistakes of either kind that the report shows. */
const SHOWN_MISTAKES = 12;

const { inHalves, whole: inOne } = SEARCH_DEFAULTS.anchors;

const SETTINGS = {
  seed: whole(Number.MIN_SAFE_INTEGER, 'Seed of the negatives, the searches and the intervals').default(DEFAULTS.seed),
  negatives: whole(1, 'Shuffled negatives for each true pair').default(DEFAULTS.negativesPerPositive),
  candidates: whole(2, 'SAR patches that each search is among, for recall@k').default(SEARCH_DEFAULTS.candidates),
  anchors: whole(
    0,
    `Optical patches to search for; 0: no search; default ${inHalves}, ${inOne} for ${architecturesWith('no towers').join(', ')}`,
  ).optional(),
  resamples: whole(1, 'Bootstrap resamples for the intervals').default(BOOTSTRAP_DEFAULTS.resamples),
  batch: whole(1, 'Pairs that are scored together').default(DEFAULTS.batch),
};

export default command({
  name: 'doppel evaluate',
  flags: {
    ...MODEL_FLAG,
    data: text('folder', 'Data set'),
    split: choice(SPLITS, 'Split to measure on').default('test'),
    out: text('folder', 'Folder of the report; default: evaluation-SPLIT in the run').optional(),
    ...SETTINGS,
    ...COMPUTE_FLAGS,
  },
  examples: [
    'doppel evaluate --data data/a',
    'doppel evaluate --model runs/a/checkpoints/best.safetensors --data data/a',
    'doppel evaluate --model best.safetensors --data data/a --split validation --out look --anchors 0 --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    const settings = settingsOf(args);
    const out = args.out ?? resultFolder(MODELS, args.model, `evaluation-${args.split}`);
    const backend = await context.selectBackend(args);
    const tested = await openTested(context, args.model, args.data, args.split);
    const { evaluation, calibrationSource } = await evaluateTested(context, tested, settings, out).finally(() =>
      tested.model.dispose(),
    );
    const report: Report = {
      evaluation,
      calibrationSource,
      model: modelOf(tested),
      data: dataOf(tested.dataset),
      run: {
        backend: backend.name,
        ...(backend.device && { device: backend.device }),
        date: new Date(),
        version: VERSION,
      },
      warnings: tested.warnings,
      hardest: await picturesOfHardest(evaluation, tested.dataset),
    };
    if (!hasFonts())
      context.log('warning: no font was found here: the plots in PNG have no text; the SVG and the report do');
    await writeTogether(context.store, out, evaluationFiles(report, tested.dataset.records));
    const page = joinPath(out, 'report.html');
    return { json: { ...metricsJson(report), report: page }, text: evaluationText(evaluation, page) };
  },
});

type Settings = Pick<EvaluationTask, 'seed' | 'negativesPerPositive' | 'batch'> &
  Required<Pick<EvaluationTask, 'bootstrap' | 'search'>>;

function settingsOf({ seed, negatives, batch, resamples, candidates, anchors }: Values<typeof SETTINGS>): Settings {
  return {
    ...{ seed, batch, negativesPerPositive: negatives, bootstrap: { resamples } },
    search: { candidates, ...(anchors !== undefined && { anchors }) },
  };
}

interface Tested {
  file: string;
  model: Model;
  dataset: Dataset;
  split: Split;
  warnings: string[];
}

/** Opens the checkpoint and the data set, and checks that they fit each other. */
async function openTested({ store }: Context, file: string, folder: string, split: Split): Promise<Tested> {
  const dataset = await openDataset(store, folder);
  const opened = await openModel(store, file);
  try {
    const model = opened.atSide(dataset.header.side);
    const places = new Set(dataset.indicesOf(split).map((index) => dataset.records[index]!.group));
    const warnings = checkHeldOut(model.info.trainedOn, { split, fingerprint: dataset.fingerprint, places });
    return { file, model, dataset, split, warnings };
  } catch (error) {
    opened.dispose();
    throw error;
  }
}

interface Evaluated {
  evaluation: Evaluation;
  calibrationSource: string;
}

/** @param out folder of the report, which must be writable before the work begins. */
async function evaluateTested(context: Context, tested: Tested, settings: Settings, out: string): Promise<Evaluated> {
  const { model, dataset, split, warnings } = tested;
  await ensureWritable(context.store, out);
  for (const warning of warnings) context.log(`warning: ${warning}`);
  const taskFor = (name: Split): Omit<ScoringTask, 'signal' | 'onProgress'> => ({
    records: dataset.records,
    indices: dataset.indicesOf(name),
    guard: placeGuard(dataset.records),
    scorer: model.scorer,
    patches: model.patchesOf(dataset),
    shape: model.info,
    ...settings,
  });
  const { calibration, calibrationSource } = await calibrationOf(context, model, () => taskFor('validation'));
  const evaluation = await context.work({ label: `scoring ${split}`, unit: 'pairs' }, (watch) =>
    evaluatePairs({ ...taskFor(split), ...settings, split, calibration, ...watch }),
  );
  return { evaluation, calibrationSource };
}

/** Calibration of the checkpoint, else one fitted on the validation split; never on the tested one. */
async function calibrationOf(
  context: Context,
  { info: { calibration, isCalibrated } }: Model,
  validation: () => Omit<ScoringTask, 'signal' | 'onProgress'>,
): Promise<{ calibration: Calibration; calibrationSource: string }> {
  if (isCalibrated) {
    return {
      calibration,
      calibrationSource: 'Both come with the checkpoint, fitted on the validation split in training.',
    };
  }
  context.log('the checkpoint has no calibration: temperature and threshold are fitted on the validation split first');
  const fitted = await context.work({ label: 'calibrating on validation', unit: 'pairs' }, (watch) =>
    calibrateOn({ ...validation(), ...watch }),
  );
  return {
    calibration: fitted,
    calibrationSource: 'The checkpoint has neither: both were fitted on the validation split of this data set.',
  };
}

function modelOf({ file, model }: Tested): Report['model'] {
  const { fingerprint, preset, side } = model.info;
  return { file, fingerprint, preset, side };
}

function dataOf({ folder, fingerprint, header }: Dataset): Report['data'] {
  return { folder, fingerprint, ...(header.attribution && { attribution: header.attribution }) };
}

async function picturesOfHardest({ pairs, calibration }: Evaluation, dataset: Dataset): Promise<Report['hardest']> {
  const { falsePositives, falseNegatives } = hardestOf(pairs, calibration.threshold, SHOWN_MISTAKES);
  const show = async (pair: PicturedPair['pair']): Promise<PicturedPair> => ({
    pair,
    sarId: dataset.records[pair.sarIndex]!.id,
    opticalId: dataset.records[pair.opticalIndex]!.id,
    sarPicture: dataUri(pictureOf(await dataset.readSar(pair.sarIndex))),
    opticalPicture: dataUri(pictureOf(await dataset.readOptical(pair.opticalIndex))),
  });
  return {
    falsePositives: await Promise.all(falsePositives.map(show)),
    falseNegatives: await Promise.all(falseNegatives.map(show)),
  };
}
