/** Registrations of pairs of scenes: a folder a pair in the folder of results, and a summary of all. */
import { joinPath } from '@doppel/core';
import type { BatchItem, PlannedItem, Worker } from '@doppel/core/batch';
import { registerPair } from '@doppel/core/registration';
import { z } from 'zod';
import {
  type BatchRow,
  failedRow,
  lineOf,
  rowOf,
  SUMMARY,
  TABLE_HEAD,
  tableLine,
} from '../../commands/register/batch_rows.ts';
import { openTools, PAIR_FLAGS, taskFrom } from '../../commands/register/pair_flags.ts';
import { text } from '../../flags.ts';
import { asFolders, type ListedPair, listPairs } from '../../pair_list.ts';
import { modelFingerprint, requireModel, settledModel, workKind } from '../kind.ts';
import { within } from '../within.ts';

const { force: _, backend: __, ...SETTINGS } = PAIR_FLAGS;

/** Flags that tell which assets of a STAC item are the scenes. */
export const ASSET_FLAGS = {
  sarAsset: text('name', 'Asset of a STAC item that is the SAR scene').default('sar'),
  opticalAsset: text('name', 'Asset of a STAC item that is the optical scene').default('optical'),
};

export const PAIRS_MANIFEST =
  'CSV or JSON lines with sar, optical and, if wanted, id and date, paths from its own folder; or a STAC collection';

const details = z.object({ date: z.string().optional() });

export const registerKind = workKind({
  name: 'register',
  description: 'Registrations of pairs of scenes, a pair an item',
  manifest: PAIRS_MANIFEST,
  flags: { ...ASSET_FLAGS, ...SETTINGS },
  examples: [
    'doppel batch plan register pairs.csv --out runs/batch',
    'doppel batch plan register collection.json --sar-asset vh --optical-asset visual --out runs/batch --radius 600m',
  ],
  settle: (settings) => ({ ...settings, model: settledModel(settings.model) }),
  tools: async (store, { model, features }): Promise<Record<string, string>> =>
    features === 'gradients' ? {} : { model: await modelFingerprint(store, model) },
  async *items({ store, manifest, root, settings }) {
    for await (const pair of asFolders(listPairs(store, manifest, settings), manifest)) yield itemOf(pair, root);
  },
  async open({ context, settings, compute, tools: fingerprints, root, results }): Promise<Worker> {
    const values = { ...settings, backend: compute.backend, force: true };
    const task = taskFrom(values);
    const tools = await openTools(context, values);
    requireModel(tools.model?.info.fingerprint, fingerprints, settings.model);
    return {
      async run(item, signal) {
        const pair = pairOf(item, root);
        const watch = { ...QUIET, signal: signal ?? context.signal };
        const out = joinPath(results, pair.id);
        const { summary } = await registerPair(tools, { ...task, sar: pair.sar, optical: pair.optical, out }, watch);
        return { rows: [rowOf(pair, summary)] };
      },
      failedRows: (item, reason) => [failedRow(pairOf(item, root), reason)],
      close: () => tools.model?.dispose(),
    };
  },
  merged: [
    { name: SUMMARY.rows, line: (row) => lineOf(row as BatchRow) },
    { name: SUMMARY.table, head: TABLE_HEAD, line: (row) => tableLine(row as BatchRow) },
  ],
});

/** Items of a batch have no bars of their own. */
const QUIET = { onProgress: () => {}, onLog: () => {}, onPhase: () => {} };

const itemOf = ({ id, sar, optical, date }: ListedPair, root: string): BatchItem => ({
  ...{ id, files: [within(root, sar), within(root, optical)] },
  details: { date },
});

export function pairOf(item: PlannedItem, root: string): ListedPair {
  const [sar, optical] = item.files.map((file) => joinPath(root, file)) as [string, string];
  const { date } = details.parse(item.details ?? {});
  return { id: item.id, sar, optical, ...(date !== undefined && { date }) };
}
