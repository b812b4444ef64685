/** Other programs, run to their end. */
import { spawn } from 'node:child_process';

export interface Ended {
  /** Exit code, or the name of what ended the program or kept it from starting. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  /** Standard input of the program; none by default. */
  readonly input?: readonly (string | Uint8Array)[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a process of a group of its own, so that Ctrl-C reaches it once: by the signal. @throws the signal's reason when aborted. */
export async function runProcess(
  program: string,
  words: readonly string[],
  { input, signal }: ProcessOptions = {},
): Promise<Ended> {
  signal?.throwIfAborted();
  const child = spawn(program, words, { detached: true, stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop);
  const [out, err]: [string[], string[]] = [[], []];
  child.stdout!.setEncoding('utf8').on('data', (text: string) => out.push(text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => err.push(text));
  child.stdin?.on('error', () => {}); // a program that ends early says why by its exit code
  for (const part of input ?? []) child.stdin!.write(part);
  child.stdin?.end();
  const ended = await new Promise<Ended>((resolve) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      resolve({ code: cause.code ?? 'nothing', stdout: '', stderr: cause.message });
    });
    child.on('close', (code, killedBy) => {
      resolve({ code: code ?? killedBy ?? 'nothing', stdout: out.join(''), stderr: err.join('') });
    });
  });
  signal?.removeEventListener('abort', stop);
  signal?.throwIfAborted();
  return ended;
}
