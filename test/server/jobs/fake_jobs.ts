/** Jobs in a folder of their own whose work is done by a fake: what a job does is told by the seed of its settings. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore, type FolderStore } from '../../../packages/core/src/node.ts';
import { type JobLimits, Jobs } from '../../../packages/server/src/jobs/jobs.ts';
import type { JobObserver } from '../../../packages/server/src/jobs/registrations.ts';
import type { JobEnd, RunJob } from '../../../packages/server/src/jobs/run_job.ts';

export const LIMITS: JobLimits = {
  ...{ atATime: 1, maxJobs: 10, maxUploadBytes: 2 ** 20, maxDataBytes: 2 ** 24, keepMs: 3_600_000, timeoutMs: 5000 },
};

/** Seeds of settings by what they make a job do. */
export const DO = { finish: 0, hang: 1, refuse: 2, fail: 3, die: 4, failInside: 5 } as const;

const store = new FileStore();

/** Job that does what its seed says, without a process. */
export const fakeRun: RunJob = async (folder, { settings }, { signal, onProgress }) => {
  const stopped = new Promise<JobEnd>((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'killed', found: 'SIGKILL' }));
    if (signal.aborted) resolve({ kind: 'killed', found: 'SIGKILL' });
  });
  await store.write(join(folder, 'result.unfinished-1/half.tif'), 'half');
  onProgress({ done: 1, total: 2, phase: 'points' });
  if (settings.seed === DO.hang) return stopped;
  if (settings.seed === DO.die) return { kind: 'killed', found: 'SIGKILL' };
  if (settings.seed === DO.fail) {
    const facts = { action: 'read the GeoTIFF b.tif', expected: 'a TIFF', found: 'noise', remedy: 'Send another.' };
    return {
      kind: 'failed',
      failure: { kind: 'unusable-scene', detail: 'Cannot read it.', file: 'optical', ...facts },
    };
  }
  if (settings.seed === DO.failInside) {
    return { kind: 'failed', failure: { kind: 'internal-error', action: 'x', detail: 'Error: x\n    at secret.ts:1' } };
  }
  await store.remove(join(folder, 'result.unfinished-1'));
  await store.write(join(folder, 'result/report.html'), '<!doctype html><p>A report.</p>\n');
  const status = settings.seed === DO.refuse ? 'refused' : 'trusted';
  return { kind: 'done', summary: { status, quality: null, files: { report: 'result/report.html' } } };
};

export interface FakeJobs {
  jobs: Jobs;
  root: string;
  log: string[];
  /** Ends the jobs, and opens their folder again as another server does. */
  reopen(): Promise<Jobs>;
  remove(): Promise<void>;
}

export interface FakeOptions {
  limits?: Partial<JobLimits>;
  run?: RunJob;
  store?: FolderStore;
  root?: string;
  observer?: JobObserver;
}

export async function openJobs(options: FakeOptions = {}): Promise<FakeJobs> {
  const root = options.root ?? mkdtempSync(join(tmpdir(), 'doppel-jobs-'));
  const log: string[] = [];
  const open = () =>
    Jobs.open({
      ...{ root, run: fakeRun, log: (line) => void log.push(line), store, paceMs: 5, ...options },
      limits: { ...LIMITS, ...options.limits },
    });
  const fake: FakeJobs = {
    ...{ jobs: await open(), root, log },
    async reopen() {
      await fake.jobs.close();
      fake.jobs = await open();
      return fake.jobs;
    },
    async remove() {
      await fake.jobs.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return fake;
}

/** Form of two scenes. */
export function sceneForm(settings?: object, sar: BlobPart = 'radar', optical: BlobPart = 'optics'): FormData {
  const form = new FormData();
  form.append('sar', new File([sar], 'a.tif'));
  form.append('optical', new File([optical], 'b.tif'));
  if (settings) form.append('settings', JSON.stringify(settings));
  return form;
}

/** Example scenes of a few bytes. */
export const EXAMPLES = {
  list: [{ name: 'demo', title: 'A pair' }],
  file: async (name: string, scene: string) =>
    name === 'demo'
      ? {
          ...{ name: `${scene}.tif`, bytes: 10 },
          read: async (at: number, length: number) => new Uint8Array(10).fill(7).slice(at, at + length),
        }
      : undefined,
};
