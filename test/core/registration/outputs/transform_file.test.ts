/** `transform.json`: what is written is read again, and a test without a figure does not stop it. */
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../../packages/core/src/errors.ts';
import { formatTransform, readTransform } from '../../../../packages/core/src/registration/outputs/transform_file.ts';
import { MemoryStore } from '../../../../packages/core/src/store.ts';
import { MAPS, madeRegistration } from './made_scenes.ts';

async function written(change: Partial<ReturnType<typeof madeRegistration>> = {}) {
  const store = new MemoryStore();
  await store.write('transform.json', formatTransform({ ...madeRegistration('scenes', MAPS.affine), ...change }));
  return readTransform(store, 'transform.json');
}

describe('transform.json', () => {
  it('holds the correction, its quality and its tests', async () => {
    const registration = madeRegistration('scenes', MAPS.affine);
    const { correction, quality, tests, status } = await written();
    expect({ correction, quality, tests, status }).toEqual({
      ...{ correction: registration.correction, quality: registration.quality },
      ...{ tests: registration.tests, status: registration.status },
    });
  });

  it('has null for the value of a test that is beyond all bounds', async () => {
    const limits = { limit: 5, isMost: true, passed: false };
    const name = 'uncertainty at the corners, px';
    const { tests } = await written({ tests: [{ name, value: Number.POSITIVE_INFINITY, ...limits }] });
    expect(tests).toEqual([{ name, value: null, ...limits }]);
  });

  it('is refused where it is none', async () => {
    const store = new MemoryStore();
    await store.write('transform.json', '{"doppel":"registration","version":1}');
    await expect(readTransform(store, 'transform.json')).rejects.toThrow(FormatError);
  });
});
