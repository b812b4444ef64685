/** Rights of a job's process on Deno: it reads scenes and its own program, writes in its folder, and starts nothing. */
import { fileURLToPath } from 'node:url';
import { ADDON } from '../scoring/native_loaders.ts';

/** Deno's question for its permissions. */
export interface Permissions {
  querySync(permission: { name: 'ffi'; path: string }): { state: string };
}

/** @param addon file of the native backends, which the process may load where the server may; undefined: there is none. */
export function denoRights(permissions: Permissions, addon = addonFile()): string[] {
  const mayUseNative = addon !== undefined && permissions.querySync({ name: 'ffi', path: addon }).state === 'granted';
  return [
    '--allow-read',
    '--allow-write=.',
    '--allow-env',
    '--allow-sys',
    ...(mayUseNative ? [`--allow-ffi=${addon}`] : []),
  ];
}

function addonFile(): string | undefined {
  try {
    return fileURLToPath(new URL('../build/Release/doppel_native.node', import.meta.resolve(ADDON)));
  } catch {
    return undefined; // the package is optional
  }
}
