/**
 * The server on Node and on Deno: a port, scoring threads, metrics, and the settings as flags and environment variables.
 *
 * @module
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { settingsFrom, startServer } from '@doppel/server/node';
 *
 * const settings = settingsFrom({ model: 'best.safetensors', port: 0, backend: 'wasm' }, {});
 * const server = await startServer({ settings, read: (file) => readFile(file), log: console.error });
 * const answer = await fetch(`${server.url}/readyz`);
 * console.log(await answer.text()); // {"status":"ready"}
 * await server.close();
 * ```
 */
export { type Key, NAME, newKey } from '../access/keys.ts';
export { readKeys, writeKeys } from '../access/keys_file.ts';
export { SCOPES, type Scope } from '../access/scopes.ts';
export { WorkerScoring, type WorkerScoringOptions } from '../scoring/worker_scoring.ts';
export {
  FLAGS,
  type FlagInfo,
  type FlagName,
  type FlagValues,
  flagInfo,
  type ServerSettings,
  settingsFrom,
} from './flags.ts';
export { prometheusMetrics } from './prometheus.ts';
export { reloadOnHangup } from './reload_on_hangup.ts';
export { type RunningServer, type StartOptions, startServer, startupJson, startupLine } from './start_server.ts';
