/** `doppel generator evaluate`: similarity of generated patches to real SAR patches, figure by figure. */
import { joinPath, openModel, UsageError } from '@doppel/core';
import { type Dataset, openDataset } from '@doppel/core/dataset';
import {
  QUALITY_DEFAULTS as DEFAULTS,
  evaluateGenerator,
  type GeneratorEvaluation,
  type GeneratorQuality,
  type LatentGenerator,
  type Likeness,
  NAMED_GENERATORS,
} from '@doppel/core/generator';
import { preparePatch } from '@doppel/core/prepare';
import { type QualityReport, type Quiz, qualityHtml, qualityPictures, quizOf } from '@doppel/report';
import { command, type Outcome } from '../../command.ts';
import { BACKEND_FLAG } from '../../context.ts';
import { choice, text, whole } from '../../flags.ts';
import { GENERATOR_FLAG } from '../../generator_flag.ts';
import { openGeneratorFile } from '../../open_generator.ts';
import { resultFolder } from '../../result_folder.ts';
import { VERSION } from '../../version.ts';
import { ensureWritable, writeTogether } from '../../write_together.ts';

export default command({
  name: 'doppel generator evaluate',
  flags: {
    ...GENERATOR_FLAG,
    data: text('folder', 'Data set that it was trained on'),
    model: text('model', 'Matcher for distances in its features; default: no such distances').optional(),
    split: choice(['validation', 'test'], 'Real patches that the generator never saw').default(DEFAULTS.split),
    count: whole(2, 'Patches of each set').default(DEFAULTS.count),
    seed: whole(0, 'Seed of samples, sets and directions').default(DEFAULTS.seed),
    judgeSteps: whole(0, 'Steps of training for networks that tell made from real; 0: none').default(
      DEFAULTS.judgeSteps,
    ),
    out: text('folder', 'Folder of the report; default: quality-SPLIT in the run').optional(),
    quiz: text('folder', 'Also write a quiz: real and generated patches, mixed').optional(),
    ...BACKEND_FLAG,
  },
  examples: [
    'doppel generator evaluate --generator runs/g/checkpoints/last.safetensors --data data/a --model best.safetensors',
    'doppel generator evaluate --generator last.safetensors --data data/a --count 200 --out look --quiz quiz --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { store } = context;
    const { split, count, seed, judgeSteps } = args;
    const out = args.out ?? resultFolder(NAMED_GENERATORS, args.generator, `quality-${split}`);
    refuseSameFolder(out, args.quiz);
    for (const folder of [out, args.quiz]) if (folder !== undefined) await ensureWritable(store, folder);
    const backend = await context.selectBackend(args);
    const dataset = await openDataset(store, args.data);
    const opened = args.model === undefined ? undefined : await openModel(store, args.model);
    let generator: LatentGenerator | undefined;
    try {
      const matcher = opened?.atSide(dataset.header.side);
      generator = await openGeneratorFile(store, args.generator);
      const task = { generator, dataset, matcher, split, count, seed, judgeSteps };
      const evaluation = await context.work({ label: 'preparing', unit: 'steps' }, ({ signal, onPhase, onProgress }) =>
        evaluateGenerator({
          ...{ ...task, signal },
          onProgress(phase, done, total) {
            onPhase(phase);
            onProgress(done, total);
          },
        }),
      );
      const { quality, shown } = evaluation;
      for (const warning of quality.warnings) context.log(`warning: ${warning}`);
      const { pictures, sheets } = await picturesOf(evaluation, dataset, generator);
      const report: QualityReport = {
        ...{ quality, pictures },
        generator: { file: args.generator, ...describe(generator) },
        matcher: matcher
          ? { file: args.model!, fingerprint: matcher.info.fingerprint, preset: matcher.info.preset }
          : null,
        data: dataOf(dataset),
        run: {
          ...{ backend: backend.name, date: new Date(), version: VERSION },
          ...(backend.device && { device: backend.device }),
        },
      };
      const json = metricsJson(report);
      const files = new Map<string, string | Uint8Array>(Object.entries(sheets));
      files.set('metrics.json', `${JSON.stringify(json, null, 2)}\n`).set('report.html', qualityHtml(report));
      await writeTogether(store, out, files);
      const { fingerprint } = generator.info;
      if (args.quiz !== undefined) {
        await writeTogether(
          store,
          args.quiz,
          quizFiles(quizOf(shown, dataset.records, { seed, generator: fingerprint })),
        );
      }
      const page = joinPath(out, 'report.html');
      const quiz = args.quiz === undefined ? null : joinPath(args.quiz, 'quiz.html');
      return { json: { ...json, report: page, quiz }, text: textOf(quality, page, quiz) };
    } finally {
      generator?.dispose();
      opened?.dispose();
    }
  },
});

/** Refuses a quiz in the folder of the report, which shows the generated patches and so the answers. */
function refuseSameFolder(out: string, quiz: string | undefined): void {
  if (quiz === undefined || quiz.replace(/\/+$/, '') !== out.replace(/\/+$/, '')) return;
  throw new UsageError({
    action: 'make a quiz',
    expected: 'a folder separate from the report',
    found: `${quiz}, the folder of the report`,
    remedy: 'Name another folder for --quiz.',
  });
}

function describe({ info }: LatentGenerator): Omit<QualityReport['generator'], 'file'> {
  const { side, latent, fingerprint } = info;
  const { preset, objective } = info as { preset?: string; objective?: string };
  return { side, latent, fingerprint, ...(preset && { preset }), ...(objective && { objective }) };
}

function dataOf({ folder, fingerprint, header }: Dataset): QualityReport['data'] {
  return { folder, fingerprint, ...(header.attribution && { attribution: header.attribution }) };
}

function picturesOf({ shown }: GeneratorEvaluation, dataset: Dataset, { info }: LatentGenerator) {
  return qualityPictures({
    shown,
    records: dataset.records,
    training: async (record) =>
      preparePatch(await dataset.readSar(record), 'sar', info.normalisation, dataset.records[record]!.sar),
  });
}

function metricsJson({ quality, generator, matcher, data, run }: QualityReport) {
  const { date, version, ...where } = run;
  return {
    ...quality,
    ...{ generator, matcher, data: { folder: data.folder, fingerprint: data.fingerprint } },
    ...where,
    date: date.toISOString(),
    doppel: version,
  };
}

function quizFiles({ page, key }: Quiz): Map<string, string> {
  return new Map([
    ['quiz.html', page],
    ['key.json', `${JSON.stringify(key, null, 1)}\n`],
  ]);
}

/** A few lines for the terminal. */
function textOf(quality: GeneratorQuality, report: string, quiz: string | null): string {
  const { count, split, slicedWasserstein, kernelDistance, values, looks, diversity, memorisation } = quality;
  const number = (value: number | null | undefined) =>
    (value === null || value === undefined ? '–' : String(Number(value.toPrecision(3)))).padStart(9);
  const line = (name: string, made: number | null, real: number | null, ratio?: number | null) =>
    `${name.padEnd(34)}${number(made)}${number(real)}${ratio === undefined ? '' : number(ratio)}`;
  const { heldOut, learned } = slicedWasserstein.mean;
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    `${count} generated patches beside ${count} real ones (${split})`,
    `${''.padEnd(34)}${['generated', 'real', 'ratio'].map((name) => name.padStart(9)).join('')}`,
    line('sliced Wasserstein, held out', heldOut.generated, heldOut.real, heldOut.ratio),
    line('sliced Wasserstein, learned', learned.generated, learned.real, learned.ratio),
    ...(kernelDistance
      ? (['heldOut', 'learned'] as const).map((against) => {
          const { generated, real, ratio } = kernelDistance[against];
          return line(`kernel distance, ${against === 'heldOut' ? 'held out' : against}`, generated, real, ratio);
        })
      : []),
    line(`values (${values.unit})`, values.heldOut.generated, values.heldOut.real, values.heldOut.ratio),
    ...(looks ? [line('looks, median', looks.generated.median, looks.heldOut.median)] : []),
    line('MS-SSIM of random pairs', diversity.generated.mean, diversity.heldOut.mean),
    `copies of training patches: ${percent(memorisation.patterns.copies)}; nearer than 99 % of real ones: ${percent(memorisation.patterns.closer)}`,
    ...likenessText(quality.likeness),
    ...quality.notMeasured.map(({ figure, reason }) => `not measured: ${figure}. ${reason}`),
    `report: ${report}`,
    ...(quiz === null ? [] : [`quiz: ${quiz}`]),
  ].join('\n');
}

/** Lines on the likeness of patches made of held-out ones. */
function likenessText({ patches, content, texture, looks, judges, matches }: Likeness): string[] {
  const { kept, chance } = content;
  const digits = (value: number | null | undefined, places = 3) =>
    (value === null || value === undefined ? '–' : value.toFixed(places)).padStart(9);
  const line = (name: string, made: number | null | undefined, beside: number | null | undefined) =>
    `${name.padEnd(34)}${digits(made)}${digits(beside)}`;
  return [
    `${`of ${patches} held-out patches`.padEnd(34)}     made   chance`,
    line('correlation, means of 4 × 4', kept.means4, chance.means4),
    line('correlation, means of 8 × 8', kept.means8, chance.means8),
    line('edges kept', kept.edges, chance.edges),
    line('bright points kept', kept.points, chance.points),
    `${''.padEnd(34)}     made     real`,
    line('fine texture: deviation', texture.made.deviation, texture.real.deviation),
    line('fine texture: lag 1 across', texture.made.across[0], texture.real.across[0]),
    line('fine texture: lag 1 down', texture.made.down[0], texture.real.down[0]),
    ...(looks ? [line('looks, median', looks.made.median, looks.real.median)] : []),
    ...(judges
      ? [
          ...(judges.features
            ? [line("told apart: matcher's features", judges.features.made, judges.features.real)]
            : []),
          line('told apart: network, pixels', judges.pixels.made, judges.pixels.real),
          line('told apart: network, 4 × 4 means', judges.means.made, judges.means.real),
        ]
      : []),
    ...(matches ? [`of ${matches.called} pairs called a match, lost when remade: ${lostText(matches.lost)}`] : []),
  ];
}

const lostText = (lost: number | null): string => (lost === null ? '–' : `${(lost * 100).toFixed(1)} %`);
