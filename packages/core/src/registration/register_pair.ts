/** Registers one pair of scenes into a folder that appears as a whole: tie points, correction, aligned scene, report. */
import type { SelectedBackend } from '../backends/select_backend.ts';
import type { Model } from '../model.ts';
import { type FolderStore, writeFolder } from '../output_folder.ts';
import { joinPath } from '../store.ts';
import { VERSION } from '../version.ts';
import { checkScenes } from './check_scenes.ts';
import { type OutputOptions, writeOutputs } from './outputs/write_outputs.ts';
import { registerScenes } from './register_scenes.ts';
import type { Registration } from './registration.ts';
import { readViews, type ViewPixels } from './scene_views.ts';
import type { RegistrationOptions } from './settings.ts';
import { type Summary, summaryOf } from './summary.ts';

/** Files in the folder beside those of `writeOutputs`. */
export const PAIR_FILES = {
  report: 'report.html',
  registration: 'registration.json',
  summary: 'summary.json',
} as const;

export interface PairTask {
  sar: string;
  optical: string;
  /** Folder of the result. */
  out: string;
  settings: RegistrationOptions;
  outputs: OutputOptions;
  /** Settings other than the defaults, in words. */
  changed: readonly string[];
  asNamed: boolean;
}

/** Content of the report of a registration. */
export interface RegistrationReport {
  registration: Registration;
  /** Overview of the whole grid first, then details. */
  views: readonly [overview: ViewPixels, ...details: ViewPixels[]];
  /** Settings other than the defaults, in words. */
  settings: readonly string[];
  /** Files beside the report by what they are. */
  files: Readonly<Record<string, string>>;
  run: { backend: string; device?: string | undefined; date: Date; version: string };
}

export interface PairTools {
  store: FolderStore;
  /** Absent where only gradients are compared. */
  model?: Model | undefined;
  modelName: string;
  backend: SelectedBackend;
  /** Writes the report as one HTML page: `registrationHtml` of `@doppel/report`. */
  reportHtml(report: RegistrationReport): string;
}

export interface PairWatch {
  readonly signal: AbortSignal;
  onProgress(done: number, total: number): void;
  /** Starts the next part of the work. @param unit of its progress. */
  onPhase(label: string, unit?: string): void;
}

/** @throws UsageError, FormatError, FileError for files that cannot be registered; nothing is written then. */
export async function registerPair(
  tools: PairTools,
  task: PairTask,
  watch: PairWatch,
): Promise<{ registration: Registration; summary: Summary }> {
  const start = performance.now();
  const { store, model, modelName, backend } = tools;
  const { sar, optical, settings, asNamed } = task;
  await checkScenes(store, { sar, optical, ...settings, asNamed });
  watch.signal.throwIfAborted();
  return writeFolder(store, task.out, async (folder) => {
    const registration = await registerScenes(store, { sar, optical, model, modelName, settings, asNamed }, watch);
    watch.onPhase('write', 'tiles');
    const files = await writeOutputs(store, registration, folder, task.outputs, watch);
    const own = Object.fromEntries(Object.entries(PAIR_FILES).map(([name, file]) => [name, joinPath(folder, file)]));
    const named = finalPaths({ ...files, ...own }, folder, task.out);
    await store.write(joinPath(folder, PAIR_FILES.report), await pageOf(tools, task, registration, named, watch));
    await store.write(joinPath(folder, PAIR_FILES.registration), `${JSON.stringify(registration)}\n`);
    const seconds = (performance.now() - start) / 1000;
    const summary = summaryOf(registration, { files: named, backend: backend.name, seconds });
    await store.write(joinPath(folder, PAIR_FILES.summary), `${JSON.stringify(summary)}\n`);
    watch.signal.throwIfAborted();
    return { registration, summary };
  });
}

/** Paths inside the unfinished folder as they will be. */
const finalPaths = (files: Readonly<Record<string, string>>, unfinished: string, folder: string) =>
  Object.fromEntries(Object.entries(files).map(([name, path]) => [name, path.replace(unfinished, folder)]));

async function pageOf(
  { store, backend, reportHtml }: PairTools,
  { settings: { sarBand, opticalBands }, changed }: PairTask,
  registration: Registration,
  files: Readonly<Record<string, string>>,
  { signal, onPhase }: PairWatch,
): Promise<string> {
  onPhase('report');
  return reportHtml({
    ...{ registration, settings: changed, files },
    views: await readViews(store, registration, { sarBand, opticalBands, signal }),
    run: { backend: backend.name, device: backend.device, date: new Date(), version: VERSION },
  });
}
