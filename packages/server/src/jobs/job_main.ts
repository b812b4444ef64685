/** Program of a job's process: registers the two scenes in its folder, and tells how far it is by lines of JSON. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DEFAULT_MODEL, openModel } from '@doppel/core';
import { selectBackend } from '@doppel/core/backends';
import { FileStore } from '@doppel/core/node';
import { changedSettings, type PairWatch, registerPair } from '@doppel/core/registration';
import { registrationHtml } from '@doppel/report';
import { nativeLoaders } from '../scoring/native_loaders.ts';
import { failureOf } from './job_failure.ts';
import { RESULT } from './job_folder.ts';
import { choicesOf } from './job_settings.ts';
import { namedScenes, sceneName } from './named_scenes.ts';
import type { JobMessage, JobTask } from './run_job.ts';

/** Milliseconds between two messages on progress. */
const PACE_MS = 200;

const tell = (message: JobMessage) => process.stdout.write(`${JSON.stringify(message)}\n`);

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(1)); // the server is gone, which Deno tells by no event of the stream itself

function watchOf(): PairWatch {
  let phase = 'start';
  let told = 0;
  const progress = (done: number, total: number) => {
    told = performance.now();
    tell({ kind: 'progress', done, total, phase });
  };
  return {
    signal: new AbortController().signal, // a job is stopped with its process
    onPhase(label) {
      if (label !== phase) {
        phase = label;
        progress(0, 1);
      }
    },
    onProgress(done, total) {
      if (done === total || performance.now() - told > PACE_MS) progress(done, total);
    },
  };
}

async function work({ names, settings: given, backend: requested }: JobTask): Promise<JobMessage> {
  const { settings, outputs, asNamed } = choicesOf(given);
  const backend = await selectBackend({ ...(requested && { requested }), loaders: await nativeLoaders() });
  const store = namedScenes(new FileStore(), names);
  const model = settings.features === 'gradients' ? undefined : await openModel(store, DEFAULT_MODEL);
  const { summary } = await registerPair(
    { store, model, modelName: DEFAULT_MODEL, backend, reportHtml: registrationHtml },
    {
      ...{ sar: sceneName('sar', names), optical: sceneName('optical', names), out: RESULT },
      ...{ settings, outputs, asNamed },
      changed: changedSettings(settings).map(([name, value]) => `${name} ${value}`),
    },
    watchOf(),
  );
  return { kind: 'done', summary: { ...summary } };
}

const [line] = await once(lines, 'line');
const task = JSON.parse(line) as JobTask;
const end = await work(task).catch((error): JobMessage => {
  return { kind: 'failed', failure: failureOf(error, task.names) };
});
process.stdout.write(`${JSON.stringify(end)}\n`, () => process.exit(0));
