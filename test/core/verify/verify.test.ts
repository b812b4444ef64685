/** Reference values of PyTorch in float64, on each backend; and what a folder that holds none gives. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BACKENDS, examineBackends, selectBackend } from '../../../packages/core/src/backends/select_backend.ts';
import { writeSafetensors } from '../../../packages/core/src/base/safetensors.ts';
import { FormatError, UsageError } from '../../../packages/core/src/errors.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { verify } from '../../../packages/core/src/verify/verify.ts';
import { backendLoaders } from '../../backends.ts';
import { sharedFolder } from '../../shared.ts';

const { report } = await examineBackends(await backendLoaders());
const folder = sharedFolder() && join(sharedFolder()!, 'golden');

function golden(isWanted: (name: string) => boolean): MemoryStore {
  const store = new MemoryStore();
  for (const name of readdirSync(folder!).filter(isWanted)) {
    store.files.set(`golden/${name}`, new Uint8Array(readFileSync(join(folder!, name))));
  }
  return store;
}

for (const backend of BACKENDS) {
  const { available, reason } = report[backend];
  const why = available ? (folder ? '' : ' (skipped: no reference values here)') : ` (skipped: ${reason})`;
  describe.skipIf(!available || !folder)(`backend ${backend}${why}`, () => {
    it('agrees with the reference values, double backpropagation included', async () => {
      await selectBackend({ requested: backend, loaders: await backendLoaders() });
      // The whole matcher takes a quarter of a minute in plain JavaScript: `doppel verify` runs it there.
      const store = golden((name) => backend !== 'cpu' || !name.startsWith('matcher'));
      const { cases, failed, worst } = await verify(store, 'golden');
      expect(failed).toEqual([]);
      expect(cases.length).toBeGreaterThanOrEqual(25);
      expect(cases.map((each) => each.case)).toContain('wgan-gp-00');
      expect(worst.error).toBeGreaterThan(0);
    });
  });
}

describe('a folder of other things', () => {
  beforeAll(async () => {
    await selectBackend({ requested: 'cpu' });
  });

  it('a wrong value fails its tensor, and only that', async () => {
    const tensor = (...data: number[]) => ({
      dtype: 'F32' as const,
      shape: [1, 2, 2, 1],
      data: Float32Array.from(data),
    });
    const pooled = { dtype: 'F32' as const, shape: [1, 1, 1, 1], data: Float32Array.of(5) };
    const upstream = { dtype: 'F32' as const, shape: [1, 1, 1, 1], data: Float32Array.of(1) };
    const store = new MemoryStore();
    const tensors = new Map([
      ['x', tensor(1, 2, 3, 4)],
      ['dy', upstream],
      ['expect.y', pooled], // it is 4
      ['expect.dx', tensor(0, 0, 0, 1)],
    ]);
    store.files.set(
      'odd/max-pool-07.safetensors',
      writeSafetensors(tensors, { size: '2', strides: '2', pad: '"valid"' }),
    );
    const { failed } = await verify(store, 'odd');
    expect(failed.map(({ tensor: name }) => name)).toEqual(['y']);
    expect(failed[0]!.error).toBeCloseTo(0.2, 6);
  });

  it('an unknown kind names the kinds; an empty folder is a usage error', async () => {
    const store = new MemoryStore();
    store.files.set('odd/poetry-00.safetensors', writeSafetensors(new Map(), {}));
    await expect(verify(store, 'odd')).rejects.toThrow(FormatError);
    await expect(verify(new MemoryStore(), 'none')).rejects.toThrow(UsageError);
  });
});
