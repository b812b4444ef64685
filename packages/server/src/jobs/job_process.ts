/**
 * Runs a job in a process of its own, at a low priority, so that scoring stays responsive, and so that cancelling ends
 * it whatever it does. The first line of its standard input is its task, which may be longer than an argument; the process
 * ends with the server, too, for then its standard input closes.
 */
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { reasonOf } from '@doppel/core/errors';
import { workerUrl } from '../scoring/worker_url.ts';
import { denoRights, type Permissions } from './deno_rights.ts';
import type { JobEnd, JobMessage, RunJob } from './run_job.ts';

const JOB_MAIN = workerUrl('job_main', import.meta.url);

/** Characters of the end of the process's log that are kept. */
const LOG_LENGTH = 4000;

/** Arguments that run a program on this runtime. */
function argumentsOf(main: URL): string[] {
  const path = fileURLToPath(main);
  const { Deno } = globalThis as { Deno?: { permissions: Permissions } };
  if (!Deno) return [path];
  const sources = path.endsWith('.ts') ? ['--conditions=source'] : [];
  return ['run', '--no-prompt', ...denoRights(Deno.permissions), '--unstable-no-legacy-abort', ...sources, path];
}

/** Milliseconds without a message after which a process is stuck. Its longest silence is a report of large scenes. */
const SILENCE_MS = 30 * 60_000;

/** @param main program of the process. @param silenceMs after which it is ended; both for tests. */
export const jobProcesses =
  (log: (line: string) => void, main: URL = JOB_MAIN, silenceMs = SILENCE_MS): RunJob =>
  (folder, task, { signal, onProgress }) =>
    new Promise<JobEnd>((resolve) => {
      const child = spawn(process.execPath, argumentsOf(main), { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
      let end: JobEnd | undefined;
      let noise = '';
      let isStuck = false;
      const silence = setTimeout(() => {
        isStuck = true;
        stop();
      }, silenceMs);
      const stop = () => child.kill('SIGKILL');
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      lowerPriority(child.pid, log);
      child.stdin.on('error', () => {}); // the process may be gone
      child.stdin.write(`${JSON.stringify(task)}\n`);
      createInterface({ input: child.stdout }).on('line', (line) => {
        silence.refresh();
        const message = messageOf(line);
        if (message?.kind === 'progress')
          onProgress({ done: message.done, total: message.total, phase: message.phase });
        else if (message) end = message;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        noise = (noise + text).slice(-LOG_LENGTH);
      });
      const finish = (reason: string) => {
        const found = isStuck ? `no sign of life for ${silenceMs / 1000} s` : reason;
        clearTimeout(silence);
        signal.removeEventListener('abort', stop);
        if (!end && !signal.aborted) log(`the process of a registration ended by ${found}: ${noise.trim()}`);
        resolve(end ?? { kind: 'killed', found });
      };
      child.once('error', (error) => finish(reasonOf(error)));
      child.once('close', (code, killedBy) => finish(killedBy ?? `exit code ${code}`));
    });

function lowerPriority(pid: number | undefined, log: (line: string) => void): void {
  if (pid === undefined) return; // it did not start, which its event tells
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    log(`warning: the priority of a registration cannot be lowered: ${reasonOf(error)}`);
  }
}

/** Message in a line of the output; undefined where a library has printed something. */
function messageOf(line: string): JobMessage | undefined {
  try {
    const message = JSON.parse(line) as JobMessage;
    return ['progress', 'done', 'failed'].includes(message?.kind) ? message : undefined;
  } catch {
    return undefined;
  }
}
