/** docs/server.md is true: its examples run, its tables are complete. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../packages/server/src/app.ts';
import { PROBLEMS } from '../../packages/server/src/problem.ts';
import { matchSchema } from '../../packages/server/src/routes/match.ts';
import { FLAGS, type FlagName, flagInfo, kebab } from '../../packages/server/src/runtime/flags.ts';
import { listenNode } from '../../packages/server/src/runtime/listen_node.ts';
import type { Listening } from '../../packages/server/src/runtime/listening.ts';
import { prometheusMetrics } from '../../packages/server/src/runtime/prometheus.ts';
import { fakeScorer, SERVED, soleModel } from './fake_scorer.ts';
import { fakeGalleries } from './gallery/fake_galleries.ts';
import { EXAMPLES, type FakeJobs, openJobs } from './jobs/fake_jobs.ts';

const page = readFileSync(new URL('../../docs/server.md', import.meta.url), 'utf8');
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text!);
const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));

const metrics = prometheusMetrics();
const folder = mkdtempSync(join(tmpdir(), 'doppel-docs-'));
let server: Listening;
let jobs: FakeJobs;
/** The registration of the last command that made one. */
let ID = '';

beforeAll(async () => {
  const served = { ...SERVED, info: { ...SERVED.info, side: 2 } };
  const reloadModels = async () => ({ models: [] });
  jobs = await openJobs();
  const models = soleModel(fakeScorer(served));
  const app = createApp({
    models,
    metrics,
    reloadModels,
    registrations: jobs.jobs,
    examples: EXAMPLES,
    galleries: fakeGalleries(),
  });
  server = await listenNode({ fetch: (request) => app.fetch(request), port: 0, host: '127.0.0.1', timeoutMs: 5000 });
  for (const [i, name] of ['sar.tif', 'optical.png', 'sar2.tif', 'optical2.png', 's1.tif', 's2.tif'].entries()) {
    writeFileSync(join(folder, name), Buffer.alloc(i + 1));
  }
  writeFileSync(join(folder, 'infer.json'), blocks('json').find((text) => text.includes('"inputs"'))!);
  writeFileSync(join(folder, 'pairs.json'), blocks('json').find((text) => text.startsWith('{"pairs"'))!);
});
afterAll(async () => {
  await server.close(0);
  await jobs.remove();
  rmSync(folder, { recursive: true });
});

async function run(command: string): Promise<string> {
  const line = command.replace('http://127.0.0.1:8080', server.url).replace(/^curl/, 'curl -sS --fail-with-body');
  const { stdout } = await promisify(execFile)('sh', ['-c', line], { cwd: folder, env: { ...process.env, ID } });
  return stdout;
}

it('has examples', () => expect(commands.length).toBeGreaterThan(8));

it.each(commands)('%s', async (command) => {
  const answer = await run(command);
  if (command.includes('/v1/registrations')) {
    ID ||= JSON.parse(answer).id;
    return;
  }
  if (command.includes('-o place.png')) return;
  if (command.includes('/v1/search')) {
    expect(JSON.parse(answer).features.length).toBeGreaterThan(0);
    return;
  }
  if (!command.includes('/v1/match')) {
    expect(answer.length).toBeGreaterThan(10);
    return;
  }
  const { results, ...rest } = matchSchema.strict().parse(JSON.parse(answer));
  const pairs = command.includes('pairs.json') ? 2 : command.split(/sar[[\]0-9]*=@/).length - 1;
  expect(results).toHaveLength(pairs);
  expect('score' in rest).toBe(pairs === 1);
  const failed = results.filter((result) => 'error' in result);
  expect(failed).toHaveLength(command.includes('sar[1]') ? 1 : 0); // its other half is missing
});

it('shows answers as they are', () => {
  const [single, , , partly] = blocks('json').map((text) => JSON.parse(text));
  for (const answer of [single, partly]) expect(matchSchema.strict().safeParse(answer).error).toBeUndefined();
});

it('lists every flag with its variable and default', () => {
  for (const name of Object.keys(FLAGS) as FlagName[]) {
    const { variable, default: fallback } = flagInfo(name);
    const row = page.split('\n').find((line) => line.startsWith(`| \`--${kebab(name)}\` |`));
    expect(row, name).toBeDefined();
    const cells = row!.split('|').map((cell) => cell.trim());
    expect(cells[2]).toBe(`\`${variable}\``);
    if (fallback !== undefined) expect(cells[3]).toBe(`${fallback}`);
  }
});

it('lists every problem with its status', () => {
  const table = page.slice(page.indexOf('| `type`, after'), page.indexOf('## Other paths'));
  const rows = table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  const listed = rows.flatMap(([, names = '', statuses = '']) => {
    const codes = statuses.split(', ');
    return [...names.matchAll(/`([a-z-]+)`/g)].map(([, name], i) => [name, Number(codes[i])]);
  });
  const known = Object.entries(PROBLEMS).map(([name, { status }]) => [name, status]);
  expect(listed.filter(([name]) => name !== 'type').sort()).toEqual(known.sort());
});

it('lists every metric of the server', async () => {
  const names = [...(await metrics.text()).matchAll(/^# TYPE (doppel_\w+)/gm)].map(([, name]) => name!);
  expect(names.length).toBeGreaterThan(7);
  for (const name of names) expect(page).toContain(`\`${name}\``);
});
