/** `doppel score`: match scores of a SAR and an optical image, for one pair or for all pairs of a manifest. */
import { type Model, openModel, type PairScore, UsageError } from '@doppel/core';
import { inBlocks } from '@doppel/core/base';
import { command, type Outcome } from '../command.ts';
import { COMPUTE_FLAGS, type Context } from '../context.ts';
import { choice, text, type Values } from '../flags.ts';
import { type ManifestPair, readManifest } from '../manifest.ts';
import { MODEL_FLAG } from '../model_flag.ts';
import type { Crop } from '../read_patch.ts';
import { readPair, scorePairs } from '../score_pairs.ts';
import { FORMATS, type Format, formatRow, headOf, type ScoreRow, scoreRow } from '../score_rows.ts';

/** Pairs of a manifest that are in memory together. */
const BATCH = 64;

const flags = {
  ...MODEL_FLAG,
  sar: text('file', 'SAR image: GeoTIFF, PNG or JPEG').optional(),
  optical: text('file', 'Optical image').optional(),
  manifest: text('file', 'Many pairs: JSON lines or CSV with sar and optical').optional(),
  crop: choice(['centre'], 'Take this part of images that are larger than the model').optional(),
  format: choice(FORMATS, 'Format of the rows for a manifest; default jsonl').optional(),
  out: text('file', 'File of the rows; default: printed as they come').optional(),
};
type Flags = Values<typeof flags>;

export default command({
  name: 'doppel score',
  flags: { ...flags, ...COMPUTE_FLAGS },
  examples: [
    'doppel score --sar a.tif --optical b.tif',
    'doppel score --model best.safetensors --sar a.tif --optical b.png',
    'doppel score --model best.safetensors --manifest pairs.csv --format csv --out scores.csv',
    'doppel score --model best.safetensors --manifest pairs.jsonl --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    refuseMixture(args);
    const { name: backend } = await context.selectBackend(args);
    const model = await openModel(context.store, args.model);
    try {
      const scoring: Scoring = { context, model, modelFile: args.model, backend, crop: args.crop };
      warnUncalibrated(scoring);
      if (args.manifest === undefined) return await scoreOne(scoring, args.sar as string, args.optical as string);
      const format = args.format ?? (/\.csv$/i.test(args.out ?? '') ? 'csv' : 'jsonl');
      return await scoreManifest(scoring, { ...args, manifest: args.manifest, format });
    } finally {
      model.dispose();
    }
  },
});

interface Scoring {
  context: Context;
  model: Model;
  modelFile: string;
  backend: string;
  crop: Crop | undefined;
}

function refuseMixture(args: Flags): void {
  const isPair = args.sar !== undefined && args.optical !== undefined;
  const isPart = args.sar !== undefined || args.optical !== undefined;
  const fail = (found: string) =>
    new UsageError({ action: 'score', expected: '--sar and --optical, or --manifest', found });
  if (args.manifest !== undefined && isPart) throw fail('both');
  if (args.manifest === undefined && !isPair) throw fail(isPart ? 'one of the two images' : 'neither');
  if (args.manifest === undefined && (args.out ?? args.format) !== undefined) {
    const found = args.out === undefined ? '--format' : '--out';
    throw new UsageError({ action: 'score one pair', expected: 'only --manifest with --out and --format', found });
  }
}

function warnUncalibrated({ model, context, modelFile }: Scoring): void {
  if (model.info.isCalibrated) return;
  context.log(
    `warning: ${modelFile} was saved between two validations and is not calibrated: probabilities are rough, the threshold is 0.5`,
  );
}

/** Fields of every result that describe the model. */
const modelOf = ({ modelFile, model, backend }: Scoring) => ({
  backend,
  model: modelFile,
  modelFingerprint: model.info.fingerprint,
});

async function scoreOne(scoring: Scoring, sarFile: string, opticalFile: string): Promise<Outcome> {
  const pair = await readPair({ ...scoring, store: scoring.context.store }, sarFile, opticalFile);
  const [result] = (await scoring.model.score([pair])) as [PairScore];
  const { probability, match, threshold } = result;
  const verdict = match ? 'match' : 'no match';
  return {
    json: { ...result, ...modelOf(scoring) },
    text: `${verdict}: probability ${probability.toFixed(3)}, threshold ${threshold.toFixed(3)}`,
  };
}

interface ManifestArgs {
  manifest: string;
  format: Format;
  out?: string | undefined;
  json?: boolean | undefined;
}

async function scoreManifest(scoring: Scoring, { manifest, format, out, json }: ManifestArgs): Promise<Outcome> {
  const { context } = scoring;
  const total = await countPairs(context, manifest); // a broken line is found before anything is written
  const sink = await openSink(context, json && out === undefined ? 'collect' : (out ?? 'print'), format);
  const interrupted = sink.streamed ? { streamed: true } : {};
  let [done, failed] = [0, 0];
  try {
    await context.work({ label: 'scoring', unit: 'pairs', interrupted }, async ({ signal, onProgress }) => {
      for await (const batch of inBlocks(readManifest(context.store, manifest), BATCH)) {
        signal.throwIfAborted();
        for (const row of await scoreBatch(scoring, batch)) {
          if ('error' in row) failed++;
          await sink.write(row);
        }
        done += batch.length;
        onProgress(done, total);
      }
    });
    await sink.finish();
  } finally {
    await sink.abandon();
  }
  const summary = { pairs: done, failed, ...modelOf(scoring) };
  return {
    json: sink.rows ? { results: sink.rows, ...summary } : { ...summary, out },
    text: `${done} pairs scored into ${out}${failed > 0 ? `, of which ${failed} could not be` : ''}`,
    streamed: sink.streamed,
    exitCode: failed > 0 ? 1 : 0,
  };
}

async function countPairs({ store }: Context, manifest: string): Promise<number> {
  let count = 0;
  for await (const _ of readManifest(store, manifest)) count++;
  if (count > 0) return count;
  throw new UsageError({ action: `score the manifest ${manifest}`, expected: 'at least one pair', found: 'none' });
}

async function scoreBatch({ context, ...scoring }: Scoring, batch: readonly ManifestPair[]): Promise<ScoreRow[]> {
  const results = await scorePairs({ ...scoring, store: context.store }, batch);
  return batch.map((pair, i) => scoreRow(pair, results[i]!));
}

/** Destination of the rows. */
interface Sink {
  write(row: ScoreRow): Promise<void>;
  finish(): Promise<void>;
  /** Removes the unfinished file. */
  abandon(): Promise<void>;
  /** Rows of a sink that collects them. */
  rows?: ScoreRow[];
  /** True if the rows went to stdout. */
  streamed: boolean;
}

/** Opens the destination of the rows; a file appears only when it is complete. */
async function openSink({ store }: Context, target: string, format: Format): Promise<Sink> {
  const nothing = async () => {};
  if (target === 'collect') {
    const rows: ScoreRow[] = [];
    return { rows, write: async (row) => void rows.push(row), finish: nothing, abandon: nothing, streamed: false };
  }
  if (target === 'print') {
    const print = (text: string) => new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
    await print(headOf(format));
    return { write: (row) => print(formatRow(row, format)), finish: nothing, abandon: nothing, streamed: true };
  }
  const part = `${target}.${process.pid}.part`;
  await store.write(part, headOf(format));
  return {
    write: (row) => store.append(part, formatRow(row, format)),
    finish: () => store.rename(part, target),
    abandon: () => store.remove(part),
    streamed: false,
  };
}
