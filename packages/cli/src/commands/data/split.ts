/** `doppel data split`: divides the places of a data set among training, validation and test. */
import { joinPath, type Store, UsageError } from '@doppel/core';
import {
  type Dataset,
  openDataset,
  SPLIT_NAMES,
  SPLITS,
  SPLITS_FILE,
  type Splits,
  splitByPlace,
  splitByProtocol,
  withoutNegatives,
  writeSplits,
} from '@doppel/core/dataset';

import { command } from '../../command.ts';
import { number, text, type Values, whole } from '../../flags.ts';
import { readProtocol } from './protocol.ts';

const DEFAULT_SHARES = { train: 0.7, validation: 0.1, test: 0.2 };

const share = (of: string) => number(`Share of the pairs for ${of}`, 0, 1).optional();

const flags = {
  train: share(`training; default ${DEFAULT_SHARES.train}`),
  validation: share(`validation; default ${DEFAULT_SHARES.validation}`),
  test: share(`the test; default ${DEFAULT_SHARES.test}`),
  seed: whole(0, 'Seed of the draw of places; default 1').optional(),
  margin: number('Patch sides within which places stay together; default 0: if they overlap', 0).optional(),
  protocol: text('file', 'A fixed split instead: {"split": {"train": […], …}, "unused": […]}').optional(),
};
type SplitFlags = Values<typeof flags>;

export default command({
  name: 'doppel data split',
  words: { folder: text('folder', 'Folder of the data set') },
  flags,
  examples: [
    'doppel data split runs/data --seed 1',
    'doppel data split runs/data --train 0.8 --validation 0 --test 0.2 --margin 2',
    'doppel data split data/sentinel64 --protocol protocol.json',
  ],
  async run({ args, context }) {
    const { store } = context;
    const dataset = await openDataset(store, args.folder, { ignoreSplits: true });
    const drawn = args.protocol === undefined ? drawnSplit(dataset, args) : await fixedSplit(store, dataset, args);
    await writeSplits(store, dataset, { version: 1, ...drawn });
    for (const split of withoutNegatives(dataset.records, drawn.splits)) {
      context.log(
        `note: all pairs of ${split} may show one place, so no negatives can be made within it: give it more places`,
      );
    }
    const file = joinPath(args.folder, SPLITS_FILE);
    const counts = countsOf(dataset, drawn.splits);
    const lines = SPLIT_NAMES.map((name) => `${name}: ${counts[name].pairs} pairs of ${counts[name].groups} places`);
    return { json: { file, splits: counts }, text: [...lines, `written to ${file}`].join('\n') };
  },
});

function drawnSplit(dataset: Dataset, flags: SplitFlags): Pick<Splits, 'seed' | 'splits'> {
  const { train = 0, validation = 0, test = 0, seed = 1, margin = 0 } = flags;
  const areSome = SPLITS.some((name) => flags[name] !== undefined);
  const shares = { train, validation, test };
  return { seed, splits: splitByPlace(dataset, { shares: areSome ? shares : DEFAULT_SHARES, seed, margin }) };
}

async function fixedSplit(
  store: Store,
  dataset: Dataset,
  flags: SplitFlags & { folder: string },
): Promise<Pick<Splits, 'splits'>> {
  const other = (['train', 'validation', 'test', 'seed', 'margin'] as const).find((flag) => flags[flag] !== undefined);
  if (other) {
    throw new UsageError({
      ...{ action: 'split by --protocol', expected: 'no other flag, for it decides all', found: `--${other}` },
    });
  }
  const file = flags.protocol!;
  return { splits: splitByProtocol(dataset, await readProtocol(store, file), file) };
}

function countsOf({ records }: Dataset, splits: Splits['splits']) {
  const count = (name: (typeof SPLIT_NAMES)[number]) => {
    const groups = new Set(splits[name]);
    return { pairs: records.filter(({ group }) => groups.has(group)).length, groups: groups.size };
  };
  return { train: count('train'), validation: count('validation'), test: count('test'), unused: count('unused') };
}
