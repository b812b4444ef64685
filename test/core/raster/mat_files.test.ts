/** MAT-files as scipy and MATLAB write them; made by `test/fixtures/raster/make.py`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readMat5 } from '../../../packages/core/src/raster/mat5.ts';

const read = (name: string) => {
  const path = fileURLToPath(new URL(`../../fixtures/raster/${name}`, import.meta.url));
  return readMat5(new Uint8Array(readFileSync(path)), name);
};
const matrix = Array.from({ length: 12 }, (_, i) => i * 1.5 - 4);

it.each(['double.mat', 'compressed.mat', 'big_endian.mat'])('%s', (name) => {
  const { rows, columns, data } = read(name).get('a')!;
  expect([rows, columns, ...data]).toEqual([3, 4, ...matrix]);
});

it('all classes of integers, and logicals', () => {
  const matrices = read('classes.mat');
  expect([...matrices.keys()].sort()).toEqual(
    ['int16', 'int32', 'int64', 'int8', 'logical', 'uint16', 'uint32', 'uint64', 'uint8'].sort(),
  );
  for (const [name, { data }] of matrices) expect([...data]).toEqual(name === 'logical' ? [1, 0] : [0, 1, 2, 3, 4, 5]);
});

it('refuses other levels and complex numbers by name', () => {
  expect(() => read('level4.mat')).toThrow(/level 4.*save\(…, '-v7'\)/);
  expect(() => read('hdf5.mat')).toThrow(/7\.3, which is HDF5.*save/);
  expect(() => read('complex.mat')).toThrow(/"z" holds complex numbers/);
});
