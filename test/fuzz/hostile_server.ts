/** Runs hostile requests against a server with a real, small model and keys, and collects the faults. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import fc from 'fast-check';
import { KeyGuard } from '../../packages/server/src/access/key_guard.ts';
import { newKey } from '../../packages/server/src/access/keys.ts';
import { KeysFile, writeKeys } from '../../packages/server/src/access/keys_file.ts';
import { SCOPES } from '../../packages/server/src/access/scopes.ts';
import { createApp } from '../../packages/server/src/app.ts';
import { limitsFrom } from '../../packages/server/src/body/limits.ts';
import type { RunJob } from '../../packages/server/src/jobs/run_job.ts';
import { listenNode } from '../../packages/server/src/runtime/listen_node.ts';
import { prometheusMetrics } from '../../packages/server/src/runtime/prometheus.ts';
import { InlineScoring } from '../../packages/server/src/scoring/inline_scoring.ts';
import { Models, versionOf } from '../../packages/server/src/scoring/models.ts';
import { pairMapsOf } from '../../packages/server/src/scoring/pair_maps.ts';
import { openSmallGallery } from '../server/gallery/small_gallery.ts';
import { EXAMPLES, fakeRun, openJobs, sceneForm } from '../server/jobs/fake_jobs.ts';
import { denseCheckpoint, noisePatch, SIDE } from '../server/tiny_model.mjs';
import { faultOf, type HostileRequest, hostileRequests, send } from './hostile_requests.ts';

export interface Tally {
  /** Answers by status; 0: the connection ended without one. */
  statuses: Record<number, number>;
  faults: { what: string; request: HostileRequest }[];
}

/** Registration that finishes whatever its settings, so that streams of events end. */
const finishAtOnce: RunJob = (folder, task, watch) => fakeRun(folder, { ...task, settings: {} }, watch);

/** @param seed of the requests. @throws Error if the server no longer answers a good request as before. */
export async function assail(seed: number, count: number): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'doppel-hostile-'));
  await selectBackend({ requested: 'wasm' });
  const limits = limitsFrom({ maxBytes: 250_000, maxPairs: 4, maxPixels: 2 ** 14, timeoutMs: 10_000 });
  const scoring = new InlineScoring({
    ...limits,
    model: denseCheckpoint(),
    file: 'dense',
    backend: 'wasm',
    mapsOf: pairMapsOf,
  });
  await scoring.info();
  const made = [newKey({ name: 'all', scopes: [...SCOPES] }), newKey({ name: 'search', scopes: ['search'] })];
  await writeKeys(
    join(folder, 'keys.json'),
    made.map(({ key }) => key),
  );
  const faults: Tally['faults'] = [];
  let current: HostileRequest | undefined;
  const log = (line: string) => void faults.push({ what: `log: ${line}`, request: current! });
  const fake = await openJobs({ limits: { maxJobs: 20 }, run: finishAtOnce });
  const galleries = await openSmallGallery(folder);
  const app = createApp({
    ...{ registrations: fake.jobs, examples: EXAMPLES, galleries },
    ...{ models: new Models([['dense', scoring]]), limits, metrics: prometheusMetrics(), log },
    guard: new KeyGuard(await KeysFile.open(join(folder, 'keys.json'), log)),
    reloadModels: async () => ({ models: [] }),
  });
  const server = await listenNode({ fetch: (each) => app.fetch(each), port: 0, host: '127.0.0.1', timeoutMs: 10_000 });
  const port = Number(new URL(server.url).port);
  const authorization = `Bearer ${made[0]!.text}`;
  const form = () => {
    const body = new FormData();
    body.append('sar', new Blob([noisePatch(1).png as BlobPart]));
    body.append('optical', new Blob([noisePatch(2).png as BlobPart]));
    return body;
  };
  const scoreNow = async (): Promise<number> => {
    const answer = await fetch(`${server.url}/v1/match`, { method: 'POST', headers: { authorization }, body: form() });
    return (await answer.json()).score;
  };
  const searchNow = async (): Promise<unknown> => {
    const body = new FormData();
    body.append('image', new Blob([noisePatch(1).png as BlobPart]));
    return (await fetch(`${server.url}/v1/search`, { method: 'POST', headers: { authorization }, body })).json();
  };
  const newJob = async (): Promise<string> => {
    const request = { method: 'POST', headers: { authorization }, body: sceneForm() };
    const { links, id } = await (await fetch(`${server.url}/v1/registrations`, request)).json();
    await (await fetch(server.url + links.events, { headers: { authorization } })).text();
    return id;
  };
  const { paths } = await (await fetch(`${server.url}/openapi.json`)).json();
  const version = versionOf(await scoring.info());
  const routes = Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const requests = hostileRequests({
    version,
    routes: [...routes, 'GET /openapi.json'],
    keys: [made[0]!.text, made[0]!.text, made[0]!.text, made[1]!.text],
    files: [noisePatch(1).png, noisePatch(2).tiff, noisePatch(3, 32).png],
    models: ['pair', 'tower', 'dense', 'dense-tower'],
    jobs: await Promise.all(Array.from({ length: 5 }, () => newJob())),
    side: SIDE,
  });
  const statuses: Tally['statuses'] = {};
  const [before, places] = [await scoreNow(), await searchNow()];
  for (const request of fc.sample(requests, { seed, numRuns: count })) {
    current = request;
    const answer = await send(port, request);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    const what = faultOf(request, answer);
    if (what) faults.push({ what, request });
  }
  const [after, found] = [await scoreNow(), await searchNow()];
  await newJob();
  await server.close(0);
  await fake.remove();
  rmSync(folder, { recursive: true });
  if (after !== before) throw new Error(`a good pair scores ${after}, and ${before} before the requests`);
  if (JSON.stringify(found) !== JSON.stringify(places)) throw new Error('a good search finds other places');
  return { statuses, faults };
}
