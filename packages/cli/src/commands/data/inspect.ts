/** `doppel data inspect`: counts, value ranges, a contact sheet, and the audit: suspicious positives. */
import { joinPath } from '@doppel/core';
import { Rng } from '@doppel/core/base';
import { type Dataset, openDataset } from '@doppel/core/dataset';
import {
  AUDIT_LIMITS,
  distanceOf,
  formatAudit,
  type Inspection,
  inspectDataset,
  type ModalityReport,
  type Suspicion,
} from '@doppel/core/inspect';
import { pairsSheet } from '@doppel/report';
import { command, type Outcome } from '../../command.ts';
import { number, text, whole } from '../../flags.ts';
import { ensureWritable, writeTogether } from '../../write_together.ts';

const FILES = { report: 'inspection.json', sheet: 'contact_sheet.png', audit: 'audit.jsonl' } as const;

export default command({
  name: 'doppel data inspect',
  words: { folder: text('folder', 'Folder of the data set') },
  flags: {
    out: text('folder', `Write ${Object.values(FILES).join(', ')} there`).optional(),
    offsets: whole(0, 'Pairs whose alignment is measured, evenly spread').default(1000),
    reach: whole(1, 'Largest shift that is searched for in each direction, in pixels').default(8),
    tolerance: number('Offset in pixels that still counts as good alignment', 0).default(AUDIT_LIMITS.offset),
    sheetPairs: whole(1, 'Pairs on the contact sheet').default(32),
    seed: whole(0, 'Seed of the choice of pairs on the contact sheet').default(1),
  },
  examples: [
    'doppel data inspect runs/data --out runs/inspect',
    'doppel data inspect runs/data --offsets 20000 --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { store } = context;
    const { offsets, reach, tolerance, sheetPairs, seed } = args;
    const options = { offsets, reach, limits: { ...AUDIT_LIMITS, offset: tolerance } };
    if (args.out !== undefined) await ensureWritable(store, args.out);
    const dataset = await openDataset(store, args.folder);
    const { inspection, suspicions } = await context.work(
      { label: 'inspect', unit: 'pairs' },
      ({ signal, onProgress }) =>
        inspectDataset(dataset, options, { signal, onProgress: (done) => onProgress(done, dataset.records.length) }),
    );
    const shown = chooseShown(dataset, sheetPairs, seed);
    const files = args.out === undefined ? undefined : filesIn(args.out);
    if (args.out !== undefined) {
      const pairs = await Promise.all(shown.map((index) => dataset.read(index)));
      const content = new Map<string, Uint8Array | string>([
        [FILES.report, `${JSON.stringify(inspection, null, 1)}\n`],
        [FILES.sheet, pairsSheet(pairs)],
        [FILES.audit, formatAudit(suspicions)],
      ]);
      await writeTogether(store, args.out, content);
    }
    const onSheet = shown.map((index) => dataset.records[index]!.id);
    return {
      json: { ...inspection, ...(files && { files, onSheet }) },
      text: textOf(args.folder, inspection, suspicions, files),
    };
  },
});

const filesIn = (out: string) => ({
  report: joinPath(out, FILES.report),
  sheet: joinPath(out, FILES.sheet),
  audit: joinPath(out, FILES.audit),
});

/** Draws the pairs of the contact sheet from as many places as possible: one pair a place, round after round. */
function chooseShown({ records }: Dataset, count: number, seed: number): number[] {
  const rng = Rng.derive(seed, 'contact sheet');
  const byGroup = new Map<string, number[]>();
  for (const index of rng.shuffle(records.map((_, i) => i))) {
    const { group } = records[index]!;
    byGroup.set(group, [...(byGroup.get(group) ?? []), index]);
  }
  const groups = [...byGroup.values()];
  const longest = Math.max(...groups.map(({ length }) => length));
  const rounds = Array.from({ length: longest }, (_, round) => groups.flatMap((group) => group[round] ?? []));
  return rounds.flat().slice(0, count);
}

function textOf(
  folder: string,
  inspection: Inspection,
  suspicions: readonly Suspicion[],
  files: ReturnType<typeof filesIn> | undefined,
): string {
  const { pairs, groups, side, splits, labels, sar, optical, enl, grids, audit } = inspection;
  const number = (value: number) => Number(value.toPrecision(4)).toString();
  const range = (name: string, { unit, bands, min, max, percentiles, noDataShare }: ModalityReport) =>
    `${name}: ${bands} band(s) in ${unit}, ${number(min)} to ${number(max)}, median ${number(percentiles['50']!)}, ` +
    `1 % to 99 %: ${number(percentiles['1']!)} to ${number(percentiles['99']!)}, missing ${(noDataShare * 100).toFixed(2)} %`;
  const splitText = splits
    ? Object.entries(splits).map(([name, count]) => `${name} ${count.pairs} (${count.groups} places)`)
    : ['none yet'];
  const reasons = Object.entries(audit.byReason).map(([reason, count]) => `${count} ${reason}`);
  const shifted = suspicions.filter(({ id, reason }) => reason === 'offset' && id === undefined);
  return [
    `${folder}: ${pairs} pairs (${labels.negative} of them negative) from ${groups} places, ${side} × ${side} pixels`,
    `splits: ${splitText.join(', ')}`,
    range('SAR', sar),
    range('optical', optical),
    `equivalent number of looks: ${enl ? `${number(enl.median)} (${number(enl.low)} to ${number(enl.high)})` : 'not known'}`,
    gridText(grids, groups),
    `audit: ${reasons.join(', ')}; alignment measured on ${audit.offsetsMeasured} pairs`,
    ...shifted.map(({ group, numbers }) => {
      const { columns, rows } = numbers as { columns: number; rows: number };
      return `  the place ${group} seems shifted by ${columns}, ${rows} (${distanceOf({ columns, rows }).toFixed(1)} px)`;
    }),
    ...(files
      ? [`written: ${Object.values(files).join(', ')}`]
      : ['Add --out FOLDER for the contact sheet and the audit.']),
  ].join('\n');
}

/** Places whose rows or columns repeat, with the median frequency of each axis. */
function gridText(grids: Inspection['grids'], places: number): string {
  const axisText = (axis: 'rows' | 'columns') => {
    const found = Object.values(grids).flatMap((grid) => grid[axis] ?? []);
    if (found.length === 0) return `${axis}: none`;
    const middle = found.toSorted((a, b) => a.frequency - b.frequency)[found.length >> 1]!;
    const swing = `swing ${(middle.strength * 100).toFixed(0)} %`;
    return `${axis}: ${found.length} of ${places} places, ${middle.frequency.toFixed(3)} cycles a pixel, ${swing}`;
  };
  return `repeated grid of SAR, ${axisText('rows')}; ${axisText('columns')}`;
}
