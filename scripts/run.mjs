/** Runs a program from the repository's root and ends this one with its exit code when it fails. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Like `run`, but hands back what happened instead of ending. */
export function attempt(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (result.error) throw new Error(`Cannot run ${program} ${args.join(' ')}: ${result.error.message}`);
  return result;
}

export function run(program, args, options) {
  const { status, signal } = attempt(program, args, options);
  if (status === 0) return;
  console.error(`\n${program} ${args.join(' ')} failed (${signal ?? `exit code ${status}`})`);
  process.exit(status ?? 1);
}
