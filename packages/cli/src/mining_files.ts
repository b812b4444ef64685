/** Files that `doppel mine` writes beside its negatives, and its text on the terminal. */

import { folderOf, joinPath, nameOf } from '@doppel/core';
import type { Quantiles } from '@doppel/core/base';
import type { Dataset } from '@doppel/core/dataset';
import { type PatchStack, patchAt } from '@doppel/core/generator';
import { isMade, type MiningReport, type Negatives, patchesFile, writeNegatives } from '@doppel/core/mining';
import { hardestNegatives, negativesSheet } from '@doppel/report';
import { duration } from './progress.ts';

/** Rows of the contact sheet. */
export const SHEET_ROWS = 24;

/** Paths of the files of a mining, all beside the negatives. */
export interface MiningPaths {
  folder: string;
  negatives: string;
  patches: string;
  report: string;
  sheet: string;
  cache: string;
}

/** @param out path of the negatives: `negatives.jsonl` gives `negatives.report.json` and so on. */
export function miningPaths(out: string): MiningPaths {
  const folder = folderOf(out);
  const stem = nameOf(out).replace(/\.jsonl$/, '');
  const beside = (ending: string) => joinPath(folder === '.' ? '' : folder, stem + ending);
  return {
    folder,
    negatives: out,
    patches: patchesFile(out),
    report: beside('.report.json'),
    sheet: beside('.png'),
    cache: beside('.scores'),
  };
}

/** Contents by name inside the folder of the negatives. */
export async function miningFiles(
  found: Negatives,
  dataset: Dataset,
  paths: MiningPaths,
  { where, sheet }: { where: object; sheet: boolean },
): Promise<Map<string, Uint8Array | string>> {
  const { header, report, shortages } = found;
  const { doppel: _, version: __, ...settings } = header;
  const short = shortages?.map(({ anchor, ...rest }) => ({ anchor: dataset.records[anchor]!.id, ...rest }));
  const whole = { ...miningJson(report), ...where, settings, ...(short && { short }) };
  const files = await writeNegatives(found, dataset.records, paths.negatives);
  files.set(nameOf(paths.report), `${JSON.stringify(whole, null, 2)}\n`);
  if (sheet) files.set(nameOf(paths.sheet), await sheetOf(found, dataset));
  return files;
}

/** The hardest negatives as a picture. Made patches are drawn as the decoder gave them, in prepared numbers. */
async function sheetOf({ negatives, patches }: Negatives, dataset: Dataset): Promise<Uint8Array> {
  const first = dataset.records.length;
  const shown = negatives
    .filter(({ label }) => label === 0)
    .map((negative) => ({ ...negative, sar: isMade(negative) ? first + negative.patch : negative.sar }));
  const source = {
    readOptical: (index: number) => dataset.readOptical(index),
    readSar: async (index: number) =>
      index < first || !patches ? dataset.readSar(index) : rasterOf(patches, index - first),
  };
  return negativesSheet(source, hardestNegatives(shown, SHEET_ROWS));
}

function rasterOf(patches: PatchStack, row: number) {
  const { side } = patches;
  return { data: patchAt(patches, row), width: side, height: side, bands: 1, unit: 'digital number' } as const;
}

/** The report as JSON: numbers to six digits, null for what was not measured. */
export const miningJson = (report: MiningReport): MiningReport =>
  JSON.parse(JSON.stringify(report, (_, value) => (value === undefined ? null : rounded(value))));

const rounded = (value: unknown) =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;

/** A table of scores, and a line for each figure of the report that there is. @param written paths by kind of file. */
export function miningText({ header, negatives, report }: Negatives, written: Record<string, string>): string {
  const count = negatives.filter(({ label }) => label === 0).length;
  return [
    `${count} negatives for ${report.anchors} anchors by the strategy ${header.strategy} (${header.split})`,
    '',
    ...quantileTable(report.quantiles, header.scale),
    '',
    ...figureLines(report, header.k),
    ...Object.entries(written).map(([kind, path]) => `${kind}: ${path}`),
  ].join('\n');
}

function figureLines(report: MiningReport, k: number): string[] {
  const { skipped, dropped, candidates, surplus, reconstructions, variety, cost, seconds, cache } = report;
  const share = (count: number) =>
    typeof candidates === 'number' ? ` (${((100 * count) / candidates).toFixed(1)} %)` : '';
  const counted = (what: string, counts: Record<string, number> = {}) =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${what} ${reason}: ${count} candidates${share(count)}`);
  return [
    ...counted('skipped by', skipped),
    ...counted('dropped as', dropped),
    ...(surplus === undefined ? [] : [`not needed: ${surplus} candidates${share(surplus)}`]),
    ...(reconstructions ? [`reconstructions: ${reconstructions}`] : []),
    ...(variety ? [`in use: ${variety.images} SAR patches, one of them ${variety.mostUsed} times`] : []),
    ...shortageLines(report, k),
    ...(cost ? [costLine(cost)] : []),
    ...(seconds === undefined ? [] : [`made in ${seconds.toFixed(1)} s`]),
    ...(cache ? [`scores: ${cache}`] : []),
  ];
}

const costLine = ({ pairsScored, pairsCached, seconds }: NonNullable<MiningReport['cost']>) =>
  `scored ${pairsScored} pairs in ${duration(seconds)}${pairsCached > 0 ? `, ${pairsCached} from the cache` : ''}`;

function shortageLines({ shortages = 0, shortageReasons = {} }: MiningReport, k: number): string[] {
  if (shortages === 0) return [];
  const why = Object.entries(shortageReasons).map(([reason, count]) => `${count} by ${reason}`);
  return [`anchors with fewer than ${k}: ${shortages}${why.length > 0 ? ` (${why.join(', ')})` : ''}`];
}

const COLUMNS = ['min', 'q05', 'q25', 'median', 'q75', 'q95', 'max', 'mean'] as const;

function quantileTable(quantiles: MiningReport['quantiles'], scale: string): string[] {
  const cells = (values: readonly string[]) => values.map((value) => value.padStart(7)).join(' ');
  return [
    `${scale.padEnd(17)}${cells([...COLUMNS])}`,
    ...Object.entries(quantiles).flatMap(([name, summary]: [string, Quantiles | undefined]) =>
      summary ? [`${name.padEnd(17)}${cells(COLUMNS.map((column) => summary[column].toFixed(3)))}`] : [],
    ),
  ];
}
