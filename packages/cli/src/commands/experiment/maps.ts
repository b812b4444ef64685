/** `doppel experiment maps`: a page of pairs with their correlation maps. */
import { openModel } from '@doppel/core';
import { UsageError } from '@doppel/core/errors';
import { searchPairs } from '@doppel/experiment';
import { correlationHtml } from '@doppel/report';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { COMPUTE_FLAGS } from '../../context.ts';
import { choice, text, whole } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { VERSION } from '../../version.ts';
import { alignedData } from './aligned_data.ts';

export default command({
  name: 'doppel experiment maps',
  flags: {
    ...MODEL_FLAG,
    data: text('folder', 'Data set of windows of scenes'),
    out: text('file', 'Page to write, in HTML'),
    split: choice(['test', 'validation'], 'Split that pairs are drawn from').default('test'),
    alignment: choice(['raw', 'repaired'], 'Places of the optical patches: as they are, or by alignment.json').default(
      'raw',
    ),
    pairs: whole(1, 'Pairs, drawn at random').default(12),
    search: z.int().min(8).multipleOf(4).default(20).meta({
      description: 'Largest displacement that is searched in each direction, in pixels',
      expected: 'a multiple of 4 from 8 on',
    }),
    shift: whole(1, 'Pixels by which the shifted patch is off, at most those searched').default(16),
    seed: whole(0, 'Seed of the draw').default(1),
    ...COMPUTE_FLAGS,
  },
  examples: ['doppel experiment maps --data runs/windows --out runs/maps.html'],
  async run({ args, context }): Promise<Outcome> {
    const { split, pairs, search, shift, seed } = args;
    if (shift > search) throw shiftBeyondSearch(shift, search);
    const { name: backend } = await context.selectBackend(args);
    const dataset = await alignedData(context, args);
    const opened = await openModel(context.store, args.model);
    try {
      const model = opened.atSide(dataset.header.side);
      const found = await context.work({ label: 'searching', unit: 'pairs' }, (watch) =>
        searchPairs(dataset, model, { split, pairs, search, shift, seed }, watch),
      );
      if (found.length === 0) throw noRoom(args.data, search);
      const page = correlationHtml({
        ...{ pairs: found, search, shift, seed },
        model: { file: args.model, fingerprint: model.info.fingerprint },
        data: {
          ...{ folder: args.data, fingerprint: dataset.fingerprint, split, alignment: args.alignment },
          attribution: dataset.header.attribution,
        },
        run: { backend, date: new Date(), version: VERSION },
      });
      await context.store.write(args.out, page);
      const called = (kind: string) =>
        found.flatMap(({ patches }) => patches).filter((each) => each.kind === kind && each.score.match).length;
      const matches = { true: called('true'), lookAlike: called('look-alike'), shifted: called('shifted') };
      return {
        json: { page: args.out, pairs: found.length, matches, backend },
        text: `${found.length} pairs; called a match: ${matches.true} of them, ${matches.lookAlike} look-alikes, ${matches.shifted} shifted\nOpen ${args.out}`,
      };
    } finally {
      opened.dispose();
    }
  },
});

const shiftBeyondSearch = (shift: number, search: number) =>
  new UsageError({
    ...{ action: 'draw correlation maps', expected: `a shift inside the search of ${search} px`, found: `${shift} px` },
    remedy: 'Choose a larger --search or a smaller --shift.',
  });

const noRoom = (data: string, search: number) =>
  new UsageError({
    action: `draw correlation maps of ${data}`,
    expected: `windows of scenes with ${search} px around them`,
    found: 'no pair that has them',
    remedy: 'List windows by `doppel data import scenes --windows`, or choose a smaller --search.',
  });
