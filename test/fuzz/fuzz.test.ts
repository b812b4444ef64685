/** A share of the mutations at a fixed seed; all of them by `pnpm fuzz`. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fuzz, seedsIn } from './fuzz.ts';

it('reads mutated files or refuses them by an error of ours, soon and with little memory', async () => {
  const seeds = seedsIn([fileURLToPath(new URL('../fixtures/raster', import.meta.url))]);
  expect(seeds.length).toBeGreaterThan(140);
  const tally = await fuzz(seeds, 1, 1500);
  expect(tally.faults.map(({ name, trial, what }) => `${name}, trial ${trial}: ${what}`)).toEqual([]);
  expect(tally.read).toBeGreaterThan(200);
  expect(tally.refused).toBeGreaterThan(200);
}, 60_000);
