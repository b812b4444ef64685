/** Rights of a job's process on Deno: the addon alone, and only where the server may load it. */
import { expect, it } from 'vitest';
import { denoRights } from '../../../packages/server/src/jobs/deno_rights.ts';

const ADDON = '/opt/build/Release/doppel_native.node';
/** Permissions of a server that was started with `--allow-ffi=PATH`, of which Deno knows no more for all files. */
const granting = (granted: string) => ({
  querySync: ({ path }: { path?: string }) => ({ state: path?.startsWith(granted) ? 'granted' : 'prompt' }),
});

it.each([
  ['/', [`--allow-ffi=${ADDON}`]],
  [ADDON, [`--allow-ffi=${ADDON}`]],
  ['/opt/build/Release', [`--allow-ffi=${ADDON}`]],
  ['/usr/lib', []],
])('of a server that may load %s', (granted, expected) => {
  const rights = denoRights(granting(granted), ADDON);
  expect(rights.filter((right) => right.startsWith('--allow-ffi'))).toEqual(expected);
  expect(rights).not.toContain('--allow-net');
  expect(rights).not.toContain('--allow-run');
});
