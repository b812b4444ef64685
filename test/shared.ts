/**
 * Where the large real data and reference values lie, outside of the repository. A test that needs them skips, with the
 * reason, where they are absent.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** DOPPEL_SHARED, else the folder `shared` beside the repository; undefined where there is none. */
export function sharedFolder(): string | undefined {
  const folder = process.env.DOPPEL_SHARED ?? fileURLToPath(new URL('../../shared', import.meta.url));
  return existsSync(folder) ? folder : undefined;
}
