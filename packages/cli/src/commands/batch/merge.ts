/** `doppel batch merge`: the results of all items in one file, in the order of the manifest, every item once. */
import { joinPath } from '@doppel/core';
import { EXIT, type MergeCounts, mergeResults, openPlan } from '@doppel/core/batch';
import { KINDS } from '../../batch/kinds.ts';
import { RESULTS_FLAG, rootsOf } from '../../batch/roots.ts';
import { stacCatalog } from '../../batch/stac_catalog.ts';
import { command } from '../../command.ts';
import { text, yes } from '../../flags.ts';

export default command({
  name: 'doppel batch merge',
  words: { plan: text('folder', 'Folder of the plan') },
  flags: {
    ...RESULTS_FLAG,
    out: text('folder', 'Folder of the merged result; default: that of the plan').optional(),
    stac: yes('Write a STAC catalog of the merged result beside it: catalog.json, item.json'),
    partial: yes('Merge what there is, although items are left'),
  },
  examples: ['doppel batch merge runs/scores', 'doppel batch merge runs/scores --partial --out /tmp/scores'],
  async run({ args, context }) {
    const { store } = context;
    const plan = await openPlan(store, args.plan);
    const folder = args.out ?? args.plan;
    const files = KINDS.get(plan.header.kind).merged.map(({ name, ...file }) => ({
      ...{ ...file, path: joinPath(folder, name) },
    }));
    const counts = await context.work({ label: 'merge', unit: 'items' }, ({ signal }) =>
      mergeResults(store, plan, { roots: rootsOf(args), files, isPartial: args.partial, signal }),
    );
    const left = counts.missing + counts.retry;
    const isWritten = left === 0 || args.partial;
    if (isWritten && args.stac) {
      const catalog = stacCatalog(
        plan.header,
        files.map(({ path }) => path),
        new Date().toISOString(),
      );
      for (const [name, content] of catalog) await store.write(joinPath(folder, name), content);
    }
    return {
      json: {
        plan: args.plan,
        items: plan.header.items,
        ...counts,
        files: isWritten ? files.map(({ path }) => path) : [],
      },
      text: textOf(counts, left, isWritten ? files.map(({ path }) => path) : []),
      exitCode: left > 0 ? EXIT.tryAgain : counts.failed > 0 ? EXIT.permanent : EXIT.done,
    };
  },
});

function textOf({ rows, done, failed }: MergeCounts, left: number, files: readonly string[]): string {
  const counts = `${done} items done, ${failed} failed for good, ${left} left`;
  if (files.length === 0) return `${counts}: nothing was written; run the rest, or add --partial`;
  return `${rows} rows of ${counts.replace(', 0 left', '')}, in ${files.join(' and ')}`;
}
