/** Messages of failed registrations: four parts, names of files as they came, settings instead of flags, no paths. */
import { expect, it } from 'vitest';
import { CheckpointError, FileError, FormatError, UsageError } from '../../../packages/core/src/errors.ts';
import { MemoryStore } from '../../../packages/core/src/store.ts';
import { failureOf } from '../../../packages/server/src/jobs/job_failure.ts';
import { namedScenes, shownName } from '../../../packages/server/src/jobs/named_scenes.ts';

const names = { sar: 'S1A.tif', optical: 'S2A.tif' };

it('name the file that caused them as it came', () => {
  const broken = { action: 'read the GeoTIFF', file: 'optical/S2A.tif', expected: 'a TIFF', found: 'noise' };
  expect(failureOf(new FormatError({ ...broken, remedy: 'Run gdalinfo optical/S2A.tif.' }), names)).toEqual({
    ...{ kind: 'unusable-scene', file: 'optical', action: 'read the GeoTIFF', expected: 'a TIFF', found: 'noise' },
    detail: 'Cannot read the GeoTIFF S2A.tif: expected a TIFF, found noise. Run gdalinfo S2A.tif.',
    remedy: 'Run gdalinfo S2A.tif.',
  });
});

it('take a name as it is, with signs that mean something in a replacement', () => {
  const odd = { sar: 'a.tif', optical: "$&-$'-$1.tif" };
  const broken = { action: 'read the GeoTIFF', file: `optical/${odd.optical}`, found: 'noise' };
  expect(failureOf(new FormatError(broken), odd).detail).toBe("Cannot read the GeoTIFF $&-$'-$1.tif: found noise.");
});

it('name none where both are meant, and settings instead of flags', () => {
  const remedy = 'Exchange the two, or say that they are right by --as-named, or --radius scene.';
  const failure = failureOf(new UsageError({ action: 'register optical/S2A.tif on sar/S1A.tif', remedy }), names);
  expect(failure).toMatchObject({ kind: 'unusable-scene', file: undefined, action: 'register S2A.tif on S1A.tif' });
  expect(failure.remedy).toBe('Exchange the two, or say that they are right by asNamed, or radius scene.');
});

it('tell a full disk, and what is our own fault', () => {
  expect(failureOf(new FileError({ action: 'write', file: 'result/x', found: 'a full disk' }), names).kind).toBe(
    'no-room',
  );
  expect(failureOf(new FileError({ action: 'write', file: 'result/x', found: 'no permission' }), names).kind).toBe(
    'internal-error',
  );
  expect(failureOf(new CheckpointError({ action: 'read', file: 'x' }), names).kind).toBe('internal-error');
  expect(failureOf(new TypeError('x is not a function'), names)).toMatchObject({
    kind: 'internal-error',
    detail: expect.stringContaining('TypeError'),
  });
  const cut = failureOf(new FileError({ action: 'read', file: 'sar.tif', found: 'nothing there' }), names);
  expect(cut.kind).toBe('unusable-scene');
});

it('come from a store in which scenes have the names that they came with', async () => {
  const files = new MemoryStore();
  await files.write('sar.tif', 'radar');
  const store = namedScenes({ ...bound(files), rename: async () => {} }, names);
  expect(new TextDecoder().decode(await store.read('sar/S1A.tif'))).toBe('radar');
  expect(await store.stat('optical/S2A.tif')).toBeUndefined();
});

const bound = (files: MemoryStore) => ({
  read: files.read.bind(files),
  readRange: files.readRange.bind(files),
  stat: files.stat.bind(files),
  list: files.list.bind(files),
  write: files.write.bind(files),
  writeNew: files.writeNew.bind(files),
  create: files.create.bind(files),
  append: files.append.bind(files),
  remove: files.remove.bind(files),
});

it.each([
  ['../../etc/passwd', 'passwd'],
  ['C:\\scenes\\s1.tif', 's1.tif'],
  ['Zürich.tif', 'Zürich.tif'],
  ['a\nb\u202e.tif', 'a_b_.tif'],
  ['..', 'sar.tif'],
  ['', 'sar.tif'],
  [undefined, 'sar.tif'],
  ['x'.repeat(500), 'x'.repeat(120)],
])('show the name %j as %j', (given, shown) => expect(shownName(given, 'sar')).toBe(shown));
