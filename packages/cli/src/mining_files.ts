/** What `doppel mine` leaves beside its negatives, and what it says on the terminal. */

import { folderOf, joinPath, nameOf } from '@doppel/core';
import type { Quantiles } from '@doppel/core/base';
import { type MinableRecord, type MiningReport, type MiningResult, writeNegatives } from '@doppel/core/mining';

import { duration } from './progress.ts';

/** Paths of the files that mining writes, all beside the negatives. */
export interface MiningPaths {
  folder: string;
  negatives: string;
  report: string;
  sheet: string;
  cache: string;
}

/** @param out of the negatives: `negatives.jsonl` gives `negatives.report.json` and so on. */
export function miningPaths(out: string): MiningPaths {
  const folder = folderOf(out);
  const stem = nameOf(out).replace(/\.jsonl$/, '');
  const beside = (ending: string) => joinPath(folder === '.' ? '' : folder, stem + ending);
  return {
    folder,
    negatives: out,
    report: beside('.report.json'),
    sheet: beside('.png'),
    cache: beside('.scores'),
  };
}

/** Content by name inside the folder of the negatives. */
export function miningFiles(
  { header, negatives, report, shortages }: MiningResult,
  records: readonly MinableRecord[],
  paths: MiningPaths,
  where: object,
): Map<string, Uint8Array | string> {
  const { doppel: _, version: __, ...settings } = header;
  const whole = {
    ...miningJson(report),
    ...where,
    settings,
    short: shortages.map(({ anchor, ...rest }) => ({ anchor: records[anchor]!.id, ...rest })),
  };
  return new Map([
    [nameOf(paths.negatives), writeNegatives(header, negatives, records)],
    [nameOf(paths.report), `${JSON.stringify(whole, null, 2)}\n`],
  ]);
}

/** The report as JSON: numbers to six digits, rules by name. */
export function miningJson({ quantiles, cost, ...report }: MiningReport) {
  return {
    ...report,
    quantiles: Object.fromEntries(
      Object.entries(quantiles).map(([name, summary]) => [name, summary ? rounded(summary) : null]),
    ),
    cost: { ...cost, seconds: round(cost.seconds) },
  };
}

const round = (value: number) => Number(value.toPrecision(6));
const rounded = (summary: Quantiles) =>
  Object.fromEntries(Object.entries(summary).map(([name, value]) => [name, round(value)]));

/** A table of scores, and a line for each rule that skipped any. */
export function miningText({ header, report }: MiningResult, paths: MiningPaths): string {
  const { negatives, anchors, skipped, surplus, candidates, shortages, shortageReasons, cost } = report;
  const share = (count: number) => `${((100 * count) / candidates).toFixed(1)} %`;
  const lines = [
    `${negatives} negatives for ${anchors} anchors by the strategy ${header.strategy} (${header.split})`,
    '',
    ...quantileTable(report, header.scale),
    '',
    ...Object.entries(skipped)
      .filter(([, count]) => count > 0)
      .map(([rule, count]) => `skipped by ${rule}: ${count} candidates (${share(count)})`),
    `not needed: ${surplus} candidates (${share(surplus)})`,
    `in use: ${report.variety.images} SAR patches, one of them ${report.variety.mostUsed} times`,
    ...shortageLines(shortages, header.k, shortageReasons),
    `scored ${cost.pairsScored} pairs in ${duration(cost.seconds)}${cost.pairsCached > 0 ? `, ${cost.pairsCached} from the cache` : ''}`,
    ...(report.cache ? [`scores: ${report.cache}`] : []),
    `negatives: ${paths.negatives}`,
    `report: ${paths.report}`,
  ];
  return lines.join('\n');
}

function shortageLines(shortages: number, k: number, reasons: MiningReport['shortageReasons']): string[] {
  if (shortages === 0) return [];
  const why = Object.entries(reasons).map(([reason, count]) => `${count} by ${reason}`);
  return [`anchors with fewer than ${k}: ${shortages} (${why.join(', ')})`];
}

const COLUMNS = ['min', 'q05', 'q25', 'median', 'q75', 'q95', 'max', 'mean'] as const;

function quantileTable({ quantiles }: MiningReport, scale: string): string[] {
  const rows: [string, Quantiles | undefined][] = [
    ['candidates', quantiles.candidates],
    ['true pairs', quantiles.positives],
    ['negatives', quantiles.negatives],
    ...(scale === 'probability'
      ? []
      : ([['as matches', quantiles.probabilities]] as [string, Quantiles | undefined][])),
  ];
  const cells = (values: readonly string[]) => values.map((value) => value.padStart(7)).join(' ');
  return [
    `${scale.padEnd(12)}${cells([...COLUMNS])}`,
    ...rows.flatMap(([name, summary]) =>
      summary ? [`${name.padEnd(12)}${cells(COLUMNS.map((column) => summary[column].toFixed(3)))}`] : [],
    ),
  ];
}
