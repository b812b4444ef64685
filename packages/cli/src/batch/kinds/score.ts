/** Scores of pairs of patches; an item is some pairs of the manifest, so that a million of pairs is no million of files. */
import { joinPath, openModel } from '@doppel/core';
import { inBlocks } from '@doppel/core/base';
import { type BatchItem, mayPass, type PlannedItem, type Worker } from '@doppel/core/batch';
import { isDoppelError } from '@doppel/core/errors';
import { z } from 'zod';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text, whole } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { type ListedPair, listPairs } from '../../pair_list.ts';
import { scorePairs } from '../../score_pairs.ts';
import { formatRow, headOf, type ScoreRow, scoreRow } from '../../score_rows.ts';
import { modelFingerprint, requireModel, settledModel, workKind } from '../kind.ts';
import { within } from '../within.ts';

/** Names of the pairs of an item; their files alternate, SAR first. */
const details = z.object({ ids: z.array(z.string()) });

export const scoreKind = workKind({
  name: 'score',
  description: 'Scores of pairs of patches, some pairs an item',
  manifest: 'CSV or JSON lines with sar, optical and, if wanted, id; or a STAC collection, item collection or item',
  flags: {
    ...MODEL_FLAG,
    chunk: whole(1, 'Pairs of an item').default(256),
    crop: choice(['centre'], 'Take this part of images that are larger than the model').optional(),
    sarAsset: text('name', 'Asset of a STAC item that is the SAR patch').default('sar'),
    opticalAsset: text('name', 'Asset of a STAC item that is the optical patch').default('optical'),
    precision: COMPUTE_FLAGS.precision,
  },
  examples: [
    'doppel batch plan score pairs.csv --out runs/scores',
    'doppel batch plan score pairs.jsonl --out runs/scores --model best.safetensors --chunk 1000',
  ],
  settle: (settings) => ({ ...settings, model: settledModel(settings.model) }),
  tools: async (store, { model }) => ({ model: await modelFingerprint(store, model) }),
  items: ({ store, manifest, root, settings }) => chunks(listPairs(store, manifest, settings), root, settings.chunk),
  async open({ context, settings, compute, tools, root }): Promise<Worker> {
    await context.selectBackend({ ...compute, precision: settings.precision });
    const model = await openModel(context.store, settings.model);
    requireModel(model.info.fingerprint, tools, settings.model);
    return {
      async run(item, signal) {
        signal?.throwIfAborted();
        const pairs = pairsOf(item);
        const paths = pairs.map(({ sar, optical }) => ({
          sarPath: joinPath(root, sar),
          opticalPath: joinPath(root, optical),
        }));
        const results = await scorePairs({ store: context.store, model, crop: settings.crop }, paths);
        const errors = results.filter(isDoppelError);
        const error = errors.find(mayPass) ?? errors[0];
        const rows = pairs.map((pair, i) => scoreRow(pair, results[i]!));
        if (!error) return { rows };
        const reason =
          pairs.length === 1 ? error.message : `${errors.length} of ${pairs.length} pairs: ${error.message}`;
        return { rows, failed: { error, reason } };
      },
      failedRows: (item, reason) => pairsOf(item).map((pair) => ({ ...pair, error: reason })),
      close: () => model.dispose(),
    };
  },
  merged: [
    { name: 'scores.jsonl' },
    { name: 'scores.csv', head: headOf('csv'), line: (row) => formatRow(row as ScoreRow, 'csv') },
  ],
});

async function* chunks(pairs: AsyncIterable<ListedPair>, root: string, size: number): AsyncGenerator<BatchItem> {
  let first = 1;
  for await (const chunk of inBlocks(pairs, size)) {
    yield itemOf(chunk, root, first);
    first += chunk.length;
  }
}

function itemOf(pairs: readonly ListedPair[], root: string, first: number): BatchItem {
  return {
    id: pairs.length === 1 ? pairs[0]!.id : `pairs ${first} to ${first + pairs.length - 1}`,
    files: pairs.flatMap(({ sar, optical }) => [within(root, sar), within(root, optical)]),
    details: { ids: pairs.map(({ id }) => id) },
  };
}

function pairsOf(item: PlannedItem) {
  const { ids } = details.parse(item.details);
  return ids.map((id, i) => ({ id, sar: item.files[2 * i]!, optical: item.files[2 * i + 1]! }));
}
