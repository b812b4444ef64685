/** Registers one pair of scenes into a folder that appears as a whole: tie points, correction, aligned scene, report. */
import { joinPath, type Model } from '@doppel/core';
import type { SelectedBackend } from '@doppel/core/backends';
import {
  checkScenes,
  type OutputOptions,
  type Registration,
  type RegistrationOptions,
  readViews,
  registerScenes,
  writeOutputs,
} from '@doppel/core/registration';
import { registrationHtml } from '@doppel/report';
import type { Context } from '../../context.ts';
import { writeFolder } from '../../output_folder.ts';
import { VERSION } from '../../version.ts';
import type { Watch } from '../../work.ts';
import { type Summary, summaryOf } from './summary.ts';

/** Files that this command adds to those of the library. */
export const FILES = { report: 'report.html', registration: 'registration.json', summary: 'summary.json' } as const;

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

export interface Tools {
  store: Context['store'];
  /** Absent where only gradients are compared. */
  model?: Model | undefined;
  modelName: string;
  backend: SelectedBackend;
}

/** @throws UsageError, FormatError, FileError for files that cannot be registered; nothing is written then. */
export async function registerPair(
  { store, model, modelName, backend }: Tools,
  task: PairTask,
  watch: Watch,
): Promise<{ registration: Registration; summary: Summary }> {
  const start = performance.now();
  const { sar, optical, settings } = task;
  await checkScenes(store, { sar, optical, ...settings, asNamed: task.asNamed });
  watch.signal.throwIfAborted();
  return writeFolder(store, task.out, async (folder) => {
    const registration = await registerScenes(store, { sar, optical, model, modelName, settings }, watch);
    watch.onPhase('write', 'tiles');
    const files = await writeOutputs(store, registration, folder, task.outputs, watch);
    const own = Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, joinPath(folder, file)]));
    const named = finalPaths({ ...files, ...own }, folder, task.out);
    const html = await reportOf({ store, registration, task, files: named, backend }, watch);
    await store.write(joinPath(folder, FILES.report), html);
    await store.write(joinPath(folder, FILES.registration), `${JSON.stringify(registration)}\n`);
    const seconds = (performance.now() - start) / 1000;
    const summary = summaryOf(registration, { files: named, backend: backend.name, seconds });
    await store.write(joinPath(folder, FILES.summary), `${JSON.stringify(summary)}\n`);
    watch.signal.throwIfAborted();
    return { registration, summary };
  });
}

/** Paths inside the unfinished folder as they will be. */
const finalPaths = (files: Readonly<Record<string, string>>, unfinished: string, folder: string) =>
  Object.fromEntries(Object.entries(files).map(([name, path]) => [name, path.replace(unfinished, folder)]));

interface ReportTask {
  store: Context['store'];
  registration: Registration;
  task: PairTask;
  files: Readonly<Record<string, string>>;
  backend: SelectedBackend;
}

async function reportOf(
  { store, registration, task, files, backend }: ReportTask,
  { signal, onPhase }: Watch,
): Promise<string> {
  onPhase('report');
  const { sarBand, opticalBands } = task.settings;
  return registrationHtml({
    registration,
    views: await readViews(store, registration, { sarBand, opticalBands, signal }),
    ...{ settings: task.changed, files },
    run: { backend: backend.name, device: backend.device, date: new Date(), version: VERSION },
  });
}
