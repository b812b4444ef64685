/** `doppel data import scenes`: cuts pairs of scenes into pairs of patches. */
import { folderOf, joinPath, nameOf, type Store, UsageError } from '@doppel/core';
import { filesIn, importScenes, matchNames, type ScenePair } from '@doppel/core/import';
import { command } from '../../command.ts';
import { above0, choice, text, whole, yes } from '../../flags.ts';
import { readManifest } from '../../manifest.ts';
import { OUT_FLAGS, SAMPLE_FLAGS } from './import_flags.ts';
import { runImport } from './run_import.ts';
import { withSceneThreads } from './scene_threads.ts';
import { commonFolder, locationOf } from './scenes_location.ts';

export default command({
  name: 'doppel data import scenes',
  words: { folder: text('folder', 'Folder of scenes, paired by name (sar/1.tif, optical/1.tif)').optional() },
  flags: {
    sar: text('file', 'One SAR scene, with --optical').optional(),
    optical: text('file', 'One optical scene, with --sar').optional(),
    manifest: text('file', 'JSON lines or CSV of scenes: sar, optical, id (the place)').optional(),
    sceneName: text('name', 'Place of the one scene; default: the name of its SAR file').optional(),
    side: whole(8, 'Width and height of a patch in pixels').default(112),
    stride: whole(1, 'Pixels from one patch to the next; default: the side').optional(),
    grid: choice(['sar', 'optical'], 'Scene on whose grid patches are cut').default('sar'),
    resolution: above0("Side of a pixel in units of the grid's CRS; default: the scene's").optional(),
    windows: yes('List windows of the scene files, which stay where they are, instead of cutting files'),
    ...SAMPLE_FLAGS,
    ...OUT_FLAGS,
  },
  examples: [
    'doppel data import scenes data/demo --side 64 --unit amplitude --out runs/data',
    'doppel data import scenes data/demo --side 64 --unit amplitude --windows --out runs/windows',
    'doppel data import scenes --sar s1.tif --optical s2.tif --optical-bands 4,3,2 --unit dB --out runs/data',
    'doppel data import scenes --manifest scenes.csv --grid optical --resolution 10 --out runs/data',
  ],
  async run({ args, context }) {
    const options = { ...args, stride: args.stride ?? args.side };
    const { scenes, source, root } = await findScenes(context.store, args);
    const windows = args.windows ? { root, location: await locationOf(root, args.out) } : undefined;
    return runImport({
      ...{ context, source, unit: 'scenes', flags: args },
      work: (folder, attribution, hooks) =>
        withSceneThreads({ store: context.store, scenes: scenes.length, signal: context.signal }, (threads) =>
          importScenes(context.store, scenes, folder, { ...options, windows, attribution }, hooks, threads),
        ),
    });
  },
});

interface SceneFlags {
  folder?: string | undefined;
  sar?: string | undefined;
  optical?: string | undefined;
  manifest?: string | undefined;
  sceneName?: string | undefined;
}

interface Scenes {
  scenes: ScenePair[];
  source: string;
  /** Folder that all scenes lie in. */
  root: string;
}

async function findScenes(store: Store, flags: SceneFlags): Promise<Scenes> {
  const { folder, sar, optical, manifest, sceneName } = flags;
  const ways = [folder !== undefined, sar !== undefined || optical !== undefined, manifest !== undefined];
  if (ways.filter(Boolean).length !== 1 || (sar === undefined) !== (optical === undefined)) {
    throw new UsageError({
      action: 'find the scenes',
      expected: 'either a folder, or --sar and --optical, or --manifest',
      found: ways.some(Boolean) ? 'part of one of them, or several' : 'none of them',
    });
  }
  if (folder !== undefined) return below(folder, await scenesOfFolder(store, folder));
  if (manifest !== undefined) return below(folderOf(manifest), await scenesOfManifest(store, manifest));
  const name = sceneName ?? stemOf(sar!);
  return {
    scenes: [{ name, sar: sar!, optical: optical! }],
    source: folderOf(sar!),
    root: commonFolder(sar!, optical!),
  };
}

const below = (folder: string, scenes: ScenePair[]): Scenes => ({ scenes, source: folder, root: folder });

async function scenesOfFolder(store: Store, folder: string): Promise<ScenePair[]> {
  const { pairs, unmatched } = matchNames(await filesIn(store, folder));
  if (pairs.length === 0 || unmatched.length > 0) {
    throw new UsageError({
      action: `pair the scenes of ${folder}`,
      expected: 'scenes with names such as sar/1.tif and optical/1.tif, each with its counterpart',
      found: unmatched.length > 0 ? `"${unmatched[0]}" alone` : 'none',
      remedy: 'List the scenes by --manifest.',
    });
  }
  return pairs.map(({ key, sar, optical }) => ({
    name: key,
    sar: joinPath(folder, sar),
    optical: joinPath(folder, optical),
  }));
}

async function scenesOfManifest(store: Store, file: string): Promise<ScenePair[]> {
  const scenes: ScenePair[] = [];
  const lineOf = new Map<string, number>();
  for await (const { line, id, sar, sarPath, opticalPath } of readManifest(store, file)) {
    const name = id ?? stemOf(sar);
    const before = lineOf.get(name);
    if (before !== undefined) {
      throw new UsageError({
        action: `read the scenes of ${file}, line ${line}`,
        expected: 'a unique name for each scene',
        found: `"${name}", the name of line ${before}`,
        remedy: 'Give each an "id".',
      });
    }
    lineOf.set(name, line);
    scenes.push({ name, sar: sarPath, optical: opticalPath });
  }
  if (scenes.length > 0) return scenes;
  throw new UsageError({ action: `read the scenes of ${file}`, expected: 'at least one', found: 'none' });
}

const stemOf = (path: string) => nameOf(path).replace(/\.[^.]+$/, '');
