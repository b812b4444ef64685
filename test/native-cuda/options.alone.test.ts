/** Options of the backends: arguments of the loaders, which what a user set in the environment stands in for. */
import { addonBackend, loadAddon, nativeBackendLoaders, optionsFrom } from '@doppel/native-cuda';
import { afterEach, describe, expect, it } from 'vitest';
import { isas, skipReason, title, useThreads } from './addon.ts';

const load = (name: string, options: Parameters<typeof nativeBackendLoaders>[0]) =>
  nativeBackendLoaders(options)
    .find((each) => each.name === name)!
    .load();

describe('options', () => {
  it('come from the environment where they are left out', () => {
    const environment = {
      DOPPEL_PRECISION: 'bf16',
      DOPPEL_NATIVE_THREADS: '3',
      DOPPEL_NATIVE_ISA: '',
      DOPPEL_CUDA_DEVICE: '0',
    };
    expect(optionsFrom(environment, { threads: 2, precision: undefined })).toEqual({
      ...{ precision: 'bf16', threads: 2, card: 0 },
      ...{ isa: undefined, addon: undefined },
    });
  });

  it('name the file of the addon', async () => {
    await expect(load('native', { addon: '/nowhere/addon.node' })).rejects.toThrow('/nowhere/addon.node is missing');
  });
});

describe.skipIf(skipReason)(title('the loader of native'), () => {
  const threads = skipReason ? 1 : useThreads(1);
  afterEach(async () => {
    useThreads(threads);
    await load('native', { precision: 'fp32' });
  });

  it('takes precision and threads', async () => {
    process.env.DOPPEL_PRECISION = 'tf32'; // read by entry points only
    const { device } = await load('native', { precision: 'fp32-fast', threads: 1 });
    delete process.env.DOPPEL_PRECISION;
    expect(device).toBe(`${isas[0]}, 1 thread`);
    expect(addonBackend('native')).toMatchObject({ precision: 'fp32', exactForward: false });
    await load('native', { precision: 'bf16', threads: 2 });
    expect(addonBackend('native')).toMatchObject({ precision: 'bf16', exactForward: true });
    const loaded = loadAddon();
    expect(loaded.available && loaded.addon.threads()).toBe(2);
  });

  it('refuses a precision that it does not serve', async () => {
    await expect(load('native', { precision: 'tf32' })).rejects.toThrow(/fp32 or fp32-fast or bf16.*"tf32"/);
  });
});
