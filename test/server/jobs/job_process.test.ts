/** The process of a job: what it says is heard, and it ends when it is told to, or is killed, or the server is gone. */
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { constants, getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { JobProgress } from '../../../packages/server/src/jobs/job.ts';
import { jobProcesses } from '../../../packages/server/src/jobs/job_process.ts';

const MAIN = new URL('./fake_job.mjs', import.meta.url);
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'doppel-process-')));
afterAll(() => rmSync(folder, { recursive: true }));

const log: string[] = [];
afterEach(() => void log.splice(0));
const names = { sar: 'a.tif', optical: 'b "quoted" $HOME.tif' };

const taskOf = (seed: number, rest: object = {}) => ({ names, settings: { seed, ...rest } });

function run(seed: number, main = MAIN, silenceMs = 60_000, rest: object = {}) {
  const stopping = new AbortController();
  const progress: JobProgress[] = [];
  const watch = { signal: stopping.signal, onProgress: (each: JobProgress) => void progress.push(each) };
  const ended = jobProcesses((line) => log.push(line), main, silenceMs)(folder, taskOf(seed, rest), watch);
  return { ended, progress, stop: () => stopping.abort() };
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('works in the folder of the job, at a low priority, and tells its progress and its end', async () => {
  const { ended, progress } = run(0);
  const priority = Math.max(getPriority(), constants.priority.PRIORITY_BELOW_NORMAL);
  const said = JSON.stringify(taskOf(0)).length;
  const summary = { status: 'trusted', files: {}, names, priority, folder, said };
  expect(await ended).toEqual({ kind: 'done', summary });
  expect(progress).toEqual([{ done: 1, total: 2, phase: 'points' }]);
  expect(log).toEqual([]);
});

it('takes a task that is longer than an argument may be', async () => {
  const long = { note: 'x'.repeat(300_000) };
  const end = await run(0, MAIN, 60_000, long).ended;
  expect(end).toMatchObject({ kind: 'done', summary: { said: JSON.stringify(taskOf(0, long)).length } });
});

it('ends at once when it is stopped, and when the server is killed', async () => {
  const { ended, progress, stop } = run(1);
  await expect.poll(() => progress.length, { timeout: 50_000 }).toBe(2);
  const pid = progress[1]!.done;
  expect(isAlive(pid)).toBe(true);
  stop();
  expect(await ended).toEqual({ kind: 'killed', found: 'SIGKILL' });
  expect(isAlive(pid)).toBe(false);
  expect(log).toEqual([]);

  const parent = `
    const child = require('node:child_process').spawn(process.execPath, [process.argv[1]], { stdio: ['pipe', 'inherit', 'inherit'] });
    child.stdin.write(process.argv[2] + '\\n');
    setInterval(() => {}, 1000);`;
  const task = JSON.stringify({ names, settings: { seed: 1 } });
  const server = spawn(process.execPath, ['-e', parent, MAIN.pathname, task], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  server.stdout.on('data', (data) => {
    output += data;
  });
  await expect.poll(() => output, { timeout: 50_000 }).toContain('hangs');
  const orphan = Number(/"done":(\d+),"total":2,"phase":"hangs"/.exec(output)![1]);
  server.kill('SIGKILL');
  await expect.poll(() => isAlive(orphan), { timeout: 50_000 }).toBe(false);
});

it('that is killed or gives up is told with the reason, and the log has its last words', async () => {
  expect(await run(2).ended).toEqual({ kind: 'killed', found: 'SIGKILL' });
  expect(log.join()).toContain('ended by SIGKILL: out of memory');
  expect(await run(3).ended).toEqual({ kind: 'killed', found: 'exit code 7' });
});

it('that says nothing for too long is ended', async () => {
  expect(await run(1, MAIN, 500).ended).toEqual({ kind: 'killed', found: 'no sign of life for 0.5 s' });
});

it('that cannot start is one that was killed', async () => {
  const missing = run(0, new URL('./missing.mjs', import.meta.url));
  expect(await missing.ended).toEqual({ kind: 'killed', found: 'exit code 1' });
  expect(log.join()).toContain('Cannot find module');
});
