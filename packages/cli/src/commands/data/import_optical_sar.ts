/** `doppel data import optical-sar`: the public data set, as its makers publish it. */
import { type Store, UsageError } from '@doppel/core';
import { openDataset, type Protocol, splitByProtocol, writeSplits } from '@doppel/core/dataset';
import { findOpticalSar, importScenes } from '@doppel/core/import';
import { UNITS } from '@doppel/core/raster';
import { command } from '../../command.ts';
import { choice, text, whole, yes } from '../../flags.ts';
import { OUT_FLAGS } from './import_flags.ts';
import { readProtocol } from './protocol.ts';
import { runImport } from './run_import.ts';
import { withSceneThreads } from './scene_threads.ts';
import { locationOf } from './scenes_location.ts';

const ATTRIBUTION = 'Optical-SAR dataset, VolkovVl, 2021. Contains modified Copernicus Sentinel data 2020.';

export default command({
  name: 'doppel data import optical-sar',
  words: { folder: text('folder', 'Folder with opt/, sar/ and metadata.json, or with dataset/') },
  flags: {
    side: whole(8, 'Width and height of a patch in pixels').default(112),
    stride: whole(1, 'Pixels from one patch to the next; default: the side').optional(),
    windows: yes('List windows of the images, which stay where they are, instead of cutting files'),
    protocol: text('file', 'Import the scenes that a protocol names, and split them by it').optional(),
    unit: choice(UNITS, 'Unit of the SAR samples, which are proportional to amplitude').default('amplitude'),
    ...OUT_FLAGS,
  },
  examples: [
    'doppel data import optical-sar Optical-SAR --side 64 --windows --protocol configs/optical-sar-protocol.json --out runs/data',
  ],
  async run({ args, context }) {
    const { store } = context;
    const { folder, protocol: protocolFile, out } = args;
    const found = await findOpticalSar(store, folder);
    const protocol = protocolFile === undefined ? undefined : await readProtocol(store, protocolFile);
    const scenes = protocol ? namedBy(protocol, found.scenes) : found.scenes;
    if (scenes.length === 0) throw noScenes(found, protocolFile);
    const options = {
      ...args,
      ...{ stride: args.stride ?? args.side, grid: 'sar' as const, by: 'doppel data import optical-sar' },
      ...{ sarBand: 0, equalSarBands: true },
      windows: args.windows ? { root: found.folder, location: await locationOf(found.folder, out) } : undefined,
    };
    const outcome = await runImport({
      ...{ context, source: folder, unit: 'scenes', flags: { ...args, attribution: args.attribution ?? ATTRIBUTION } },
      work: (unfinished, attribution, hooks) =>
        withSceneThreads({ store, scenes: scenes.length, signal: context.signal }, async (threads) => {
          const built = await importScenes(store, scenes, unfinished, { ...options, attribution }, hooks, threads);
          if (protocol) await split(store, unfinished, protocol, protocolFile!);
          return built;
        }),
    });
    for (const note of notesOn(found, scenes.length)) context.log(note);
    return outcome;
  },
});

function namedBy<T extends { name: string }>({ split, unused }: Protocol, scenes: readonly T[]): T[] {
  const names = new Set([split.train, split.validation, split.test, unused].flat());
  return scenes.filter(({ name }) => names.has(name));
}

async function split(store: Store, folder: string, protocol: Protocol, file: string): Promise<void> {
  const dataset = await openDataset(store, folder, { ignoreSplits: true });
  await writeSplits(store, dataset, { version: 1, splits: splitByProtocol(dataset, protocol, file) });
}

type Found = Awaited<ReturnType<typeof findOpticalSar>>;

function notesOn({ scenes, absent }: Found, imported: number): string[] {
  const some = (names: readonly string[]) => `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}`;
  return [
    ...(absent.length > 0 ? [`note: ${absent.length} are listed and not there: ${some(absent)}`] : []),
    ...(scenes.length > imported ? [`note: ${scenes.length - imported} scenes are not named by the protocol`] : []),
  ];
}

function noScenes({ folder, scenes, absent }: Found, protocol: string | undefined): UsageError {
  return new UsageError({
    action: `import ${folder}`,
    expected: protocol === undefined ? 'pairs of images opt/NNN.png and sar/NNN.png' : `scenes that ${protocol} names`,
    found: `${scenes.length} pairs of images${absent.length > 0 ? `, ${absent.length} that metadata.json lists and are not there` : ''}`,
  });
}
