/** `doppel experiment report`: merges the cells of one folder, or of several shards, into results and a report. */
import { joinPath, type Store, UsageError } from '@doppel/core';
import { openDataset } from '@doppel/core/dataset';
import {
  type Cell,
  completeSeeds,
  type ExperimentConfig,
  experimentFigures,
  experimentHtml,
  parseExperiment,
  type Results,
  readCell,
  resultsOf,
} from '@doppel/experiment';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { text } from '../../flags.ts';
import { writeTogether } from '../../write_together.ts';
import { readYaml, writeYaml } from '../../yaml_file.ts';

export default command({
  name: 'doppel experiment report',
  words: { folder: text('folder', 'Folder of the experiment') },
  flags: {
    merge: z.array(z.string()).default([]).meta({ description: 'Folders of further shards' }),
    complete: z.boolean().default(false).meta({ description: 'Only seeds of which every arm was run' }),
    out: text('folder', 'Folder of the report; default: the folder').optional(),
  },
  examples: [
    'doppel experiment report experiments/a',
    'doppel experiment report experiments/a --complete --out so-far',
    'doppel experiment report shard-1 --merge shard-2,shard-3 --out all',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { store } = context;
    const file = joinPath(args.folder, 'experiment.yaml');
    const config = parseExperiment(await readYaml(store, file), file);
    const folders = [args.folder, ...args.merge];
    const found = withoutTwins((await Promise.all(folders.map((folder) => cellsIn(store, folder)))).flat());
    const cells = args.complete ? completeSeeds(found, config) : found;
    const results = await context.work({ label: 'comparing', unit: 'comparisons' }, (watch) =>
      resultsOf(cells, optionsOf(config), watch),
    );
    const { header, fingerprint } = await openDataset(store, config.data);
    const out = args.out ?? args.folder;
    const page = experimentHtml({
      results,
      data: { folder: config.data, fingerprint, attribution: header.attribution },
      config: writeYaml(config),
    });
    const figures = Object.entries(experimentFigures(results)).map(
      ([name, svg]) => [`plots/${name}.svg`, `${svg}\n`] as const,
    );
    await writeTogether(
      store,
      out,
      new Map([['results.json', `${JSON.stringify(rounded(results), null, 1)}\n`], ['report.html', page], ...figures]),
    );
    const { conclusion, run } = results;
    const report = joinPath(out, 'report.html');
    const lines = [...conclusion, `${run.cells} cells; report: ${report}`].join('\n');
    return { json: { report, results: joinPath(out, 'results.json'), cells: run.cells, conclusion }, text: lines };
  },
});

function optionsOf({ baseline, champion, evaluation, arms, contrasts }: ExperimentConfig) {
  const { resamples, permutations, seed } = evaluation;
  return { baseline, champion, resamples, permutations, seed, order: Object.keys(arms), contrasts };
}

async function cellsIn(store: Store, folder: string): Promise<Cell[]> {
  const cells: Cell[] = [];
  const root = joinPath(folder, 'cells');
  if (!(await store.stat(root))) return cells;
  for (const group of await store.list(root)) {
    for (const name of await store.list(joinPath(root, group))) {
      if (name.endsWith('.json')) cells.push((await readCell(store, joinPath(root, group, name)))!);
    }
  }
  return cells;
}

/**
 * Cells without repeats. Two shards may hold the same cell if its settings are the same; with other settings it is
 * unclear which one counts.
 */
function withoutTwins(cells: readonly Cell[]): Cell[] {
  const kept = new Map<string, Cell>();
  for (const cell of cells) {
    const key = [cell.matcher, cell.budget, cell.seed, cell.arm].join(' ');
    const twin = kept.get(key);
    if (twin && twin.settings !== cell.settings) {
      throw new UsageError({
        action: 'merge the cells of an experiment',
        expected: 'shards of the same settings',
        found: `the cell ${key} with two different settings`,
        remedy: 'Merge shards of one configuration only.',
      });
    }
    kept.set(key, twin ?? cell);
  }
  return [...kept.values()];
}

/** Numbers to six digits. */
const rounded = (results: Results): unknown =>
  JSON.parse(JSON.stringify(results, (_, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value)));
