/** Runs a program from the package's folder and ends this one with its exit code when it fails. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
/** Of the repository: these scripts need its tests. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export function run(program, args, options = {}) {
  const { status, signal, error } = spawnSync(program, args, { cwd: PACKAGE, stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`\n${program} ${args.join(' ')} failed (${error?.message ?? signal ?? `exit code ${status}`})`);
  process.exit(status ?? 1);
}
