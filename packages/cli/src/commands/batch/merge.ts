/** `doppel batch merge`: the results of all items in one file, in the order of the manifest, every item once. */
import { joinPath, UsageError } from '@doppel/core';
import { EXIT, type MergeCounts, mergeResults, openPlan } from '@doppel/core/batch';
import { KINDS } from '../../batch/kinds.ts';
import { PLACE_FLAGS, placeOf } from '../../batch/place.ts';
import { RESULTS_FLAG, rootsOf } from '../../batch/roots.ts';
import { stacCatalog } from '../../batch/stac_catalog.ts';
import { command } from '../../command.ts';
import { BACKEND_FLAG } from '../../context.ts';
import { kebab, text, yes } from '../../flags.ts';

export default command({
  name: 'doppel batch merge',
  words: { plan: text('folder', 'Folder of the plan') },
  flags: {
    ...RESULTS_FLAG,
    out: text('folder', 'Folder of the merged result; default: that of the plan').optional(),
    stac: yes('Write a STAC catalog of the merged result beside it: catalog.json, item.json'),
    partial: yes('Merge what there is, although items are left'),
    ...PLACE_FLAGS,
    ...BACKEND_FLAG,
  },
  examples: ['doppel batch merge runs/scores', 'doppel batch merge runs/scores --partial --out /tmp/scores'],
  async run({ args, context }) {
    const { store } = context;
    const plan = await openPlan(store, args.plan);
    const out = args.out ?? args.plan;
    const roots = rootsOf(args);
    const kind = KINDS.get(plan.header.kind);
    if (!kind.finish) refusePlace(kind.name, args);
    const merged = kind.merged.map(({ name, ...file }) => ({ ...file, path: joinPath(out, name) }));
    const rows: unknown[] = [];
    const onRow = (row: unknown) => kind.finish && rows.push(row);
    const counts = await context.work({ label: 'merge', unit: 'items' }, ({ signal }) =>
      mergeResults(store, plan, { roots, files: merged, isPartial: args.partial, signal, onRow }),
    );
    const left = counts.missing + counts.retry;
    const isWritten = left === 0 || args.partial;
    const finished = isWritten
      ? await kind.finish?.(
          placeOf(plan, { compute: { backend: args.backend }, data: args.data, model: args.model }, context),
          { rows, roots, out, lacking: left + counts.failed },
        )
      : undefined;
    const files = isWritten ? [...merged.map(({ path }) => path), ...(finished?.files ?? [])] : [];
    if (isWritten && args.stac) {
      const catalog = stacCatalog(plan.header, files, new Date().toISOString());
      for (const [name, content] of catalog) await store.write(joinPath(out, name), content);
    }
    return {
      json: { plan: args.plan, items: plan.header.items, ...counts, files },
      text: [textOf(counts, left, files), ...(finished ? [finished.text] : [])].join('\n'),
      exitCode: left > 0 ? EXIT.tryAgain : counts.failed > 0 ? EXIT.permanent : EXIT.done,
    };
  },
});

/** @throws UsageError for flags of data, model and backend: rows are merged without them. */
function refusePlace(kind: string, args: Readonly<Record<string, unknown>>): void {
  const given = Object.keys({ ...PLACE_FLAGS, ...BACKEND_FLAG }).find((name) => args[name] !== undefined);
  if (given === undefined) return;
  throw new UsageError({
    ...{ action: `merge a plan of the kind ${kind}`, expected: 'flags that it needs', found: `--${kebab(given)}` },
    remedy: 'Leave it out: rows are merged without data, model and backend.',
  });
}

function textOf({ rows, done, failed }: MergeCounts, left: number, files: readonly string[]): string {
  const counts = `${done} items done, ${failed} failed for good, ${left} left`;
  if (files.length === 0) return `${counts}: nothing was written; run the rest, or add --partial`;
  return `${rows} rows of ${counts.replace(', 0 left', '')}, in ${files.join(' and ')}`;
}
