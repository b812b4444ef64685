/**
 * Imports a data set from pairs of scenes: each pair of scenes is a place, and its patches are cut on a common grid, into
 * files or as a list of windows.
 */
import type { DatasetHeader } from '../dataset/dataset.ts';
import { type BuiltDataset, DatasetWriter } from '../dataset/dataset_writer.ts';
import { writeLocation } from '../dataset/scene_files.ts';
import type { SceneEntry } from '../dataset/scene_list.ts';
import type { Store } from '../store.ts';
import { Findings } from './findings.ts';
import type { ImportHooks } from './import_hooks.ts';
import {
  importScene,
  type SceneImportOptions,
  type ScenePair,
  type ScenePart,
  type SceneTask,
} from './import_scene.ts';
import { Copies } from './list_windows.ts';
import { CommonFormat, madeOf, type SampleOptions } from './sample_options.ts';

/** Threads that import scenes. */
export interface SceneThreads {
  /** Scenes that are imported at a time. */
  readonly count: number;
  import(task: SceneTask): Promise<ScenePart>;
}

/**
 * @param folder that the data set is written to. @param threads default: this one.
 * @throws FormatError where a file is damaged, scenes do not match, or bands or units are not clear.
 */
export async function importScenes(
  store: Store,
  scenes: readonly ScenePair[],
  folder: string,
  options: SceneImportOptions,
  { signal, onProgress }: ImportHooks = {},
  threads: SceneThreads = { count: 1, import: (task) => importScene(store, task, signal) },
): Promise<BuiltDataset> {
  const format = new CommonFormat();
  const findings = new Findings(options.strict);
  const copies = new Copies();
  const entries: SceneEntry[] = [];
  const stems = distinctStems(scenes.map(({ name }) => name));
  const tasks = scenes.map((scene, i): SceneTask => ({ scene, stem: stems[i]!, folder, options }));
  return DatasetWriter.build(store, folder, async (writer) => {
    let done = 0;
    onProgress?.(done, scenes.length, 0);
    for await (const [{ scene }, { part, format: own, windows, findings: found }] of inOrder(tasks, threads)) {
      findings.adopt(found);
      if (own) format.add(own, scene.name);
      if (windows) entries.push(windows.scene);
      writer.adopt(windows ? { ...part, windows: copies.mark(part.windows, windows.images) } : part);
      onProgress?.(++done, scenes.length, writer.pairs);
    }
    if (options.windows) await writeLocation(store, folder, options.windows.location);
    return headerOf(options, format.found(), findings, entries);
  });
}

/** Tasks with their results, in order; a few are under way at a time. */
async function* inOrder(tasks: readonly SceneTask[], threads: SceneThreads): AsyncGenerator<[SceneTask, ScenePart]> {
  const underWay: Promise<ScenePart>[] = [];
  let next = 0;
  try {
    for (const task of tasks) {
      for (; next < tasks.length && underWay.length < 2 * threads.count - 1; next++) {
        const part = threads.import(tasks[next]!);
        part.catch(() => {}); // reported when its turn comes
        underWay.push(part);
      }
      yield [task, await underWay.shift()!];
    }
  } finally {
    await Promise.allSettled(underWay); // the folder can be removed then
  }
}

/** Paths for the patches of scenes; names that come to one path on some system are told apart by a number. */
function distinctStems(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    const parts = name.split(/[/\\]/).map((part) => part.trim());
    const clean = parts.filter((part) => part !== '' && part !== '.').join('/');
    for (let copy = 1; ; copy++) {
      const stem = copy === 1 ? clean : `${clean}~${copy}`;
      const key = stem.normalize('NFC').toLowerCase();
      if (taken.has(key)) continue;
      taken.add(key);
      return `patches/${stem}`;
    }
  });
}

function headerOf(
  options: SceneImportOptions,
  format: ReturnType<CommonFormat['found']>,
  findings: Findings,
  scenes: SceneEntry[],
): DatasetHeader {
  const { side, stride, grid, resolution, attribution } = options;
  const common = { side, ...format, ...(attribution !== undefined && { attribution }) };
  const made = {
    ...{ by: options.by ?? 'doppel data import scenes', stride, grid, ...(resolution !== undefined && { resolution }) },
    ...madeOf(options),
    ...findings.made(),
  };
  if (!options.windows) return { doppel: 'pairs', version: 1, ...common, made };
  return { doppel: 'pairs', version: 2, ...common, ...withNoData(format, options), made, scenes };
}

/** No-data values that were asked for: windows are read from the files again. */
function withNoData({ sar, optical }: ReturnType<CommonFormat['found']>, { noData, opticalNoData }: SampleOptions) {
  return {
    sar: { ...sar, ...(noData && { noData: [...noData] }) },
    optical: { ...optical, ...(opticalNoData && { noData: [...opticalNoData] }) },
  };
}
