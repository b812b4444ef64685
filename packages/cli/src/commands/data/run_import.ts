/** Frame of every import: the folder, terms of use, progress, Ctrl-C and the closing summary. */

import type { BuiltDataset } from '@doppel/core/dataset';
import type { ImportHooks } from '@doppel/core/import';
import type { Outcome } from '../../command.ts';
import type { Context } from '../../context.ts';
import type { Values } from '../../flags.ts';
import { attributionOf, copyTerms } from './attribution.ts';
import { buildFolder } from './build_folder.ts';
import type { OUT_FLAGS } from './import_flags.ts';

export interface ImportRun {
  context: Context;
  /** Folder of the images; its licences go with the data set. */
  source: string;
  /** Unit of the progress, such as "scenes". */
  unit: string;
  flags: Pick<Values<typeof OUT_FLAGS>, 'out' | 'force' | 'attribution'>;
  work(folder: string, attribution: string | undefined, hooks: ImportHooks): Promise<BuiltDataset>;
}

export async function runImport({ context, source, unit, flags, work }: ImportRun): Promise<Outcome> {
  const { store } = context;
  const { out, force } = flags;
  const attribution = await attributionOf(store, flags.attribution, source);
  const built = await context.work({ label: 'import', unit }, ({ signal, onProgress }) =>
    buildFolder(store, out, force, async (unfinished) => {
      const hooks = {
        signal,
        onProgress: (done: number, total: number, pairs: number) => onProgress(done, total, `${pairs} pairs`),
      };
      const result = await work(unfinished, attribution, hooks);
      await copyTerms(store, source, unfinished);
      return result;
    }),
  );
  for (const note of notesOn(built)) context.log(note);
  return outcomeOf(out, built);
}

/** Notes on settings that the user may want to change. */
function notesOn({ header, records }: BuiltDataset): string[] {
  const groups = new Set(records.map(({ group }) => group)).size;
  const isScattered = groups === records.length && groups > 1 && records.some(({ footprint }) => !footprint);
  const { guesses, notes } = toldIn(header.made);
  return [
    ...notes.map((note) => `note: ${note}`),
    ...guesses.map((guess) => `guess: ${guess}`),
    ...(isScattered
      ? ['note: every pair counts as a separate place; if several show one place, use --group, or splits leak']
      : []),
  ];
}

function toldIn(made: BuiltDataset['header']['made']): { guesses: readonly string[]; notes: readonly string[] } {
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
  return { guesses: list(made?.guesses), notes: list(made?.notes) };
}

function outcomeOf(folder: string, { header, records, skipped }: BuiltDataset): Outcome {
  const groups = new Set(records.map(({ group }) => group)).size;
  const { guesses, notes } = toldIn(header.made);
  const left = Object.entries(skipped).map(([reason, count]) => `${count} ${reason}`);
  return {
    json: {
      folder,
      pairs: records.length,
      groups,
      skipped,
      side: header.side,
      sar: header.sar,
      optical: header.optical,
      ...(guesses.length > 0 && { guesses }),
      ...(notes.length > 0 && { notes }),
    },
    text: [
      `${records.length} pairs of ${header.side} × ${header.side} pixels from ${groups} places in ${folder}`,
      `SAR in ${header.sar.unit}, optical in ${header.optical.unit} with ${header.optical.bands} band(s)`,
      ...(left.length > 0 ? [`left out: ${left.join(', ')}`] : []),
      `Next: doppel data split ${folder}`,
    ].join('\n'),
  };
}
