/**
 * `pnpm fuzz --seed N --count 20000 [--data FOLDER]`: mutated image files through the readers; see fuzz.ts. Seeds are the
 * fixtures, the demo's scenes and, with --data, those of a folder. Faults are written to --out (default: not at all).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '20000' },
    data: { type: 'string', multiple: true, default: [] },
    out: { type: 'string' },
  },
});
const outfile = 'packages/core/node_modules/.cache/fuzz.mjs'; // beside what it imports
await build({
  ...{ entryPoints: ['test/fuzz/fuzz.ts'], bundle: true, outfile, platform: 'node', format: 'esm', logLevel: 'error' },
  packages: 'external',
});
const { fuzz, seedsIn } = await import(join(process.cwd(), outfile));
const seeds = seedsIn(['test/fixtures/raster', 'data', ...values.data]);
const tally = await fuzz(seeds, Number(values.seed), Number(values.count));
const { read, refused, slowest, faults } = tally;
console.log(
  `${read + refused + faults.length} mutations of ${seeds.length} files: ${read} read, ${refused} refused, ${faults.length} faults; slowest ${slowest.toFixed(0)} ms`,
);
for (const [i, { name, trial, what, bytes }] of faults.entries()) {
  console.log(`${name}, trial ${trial}: ${what}`);
  if (values.out === undefined) continue;
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, `${i}-${name.replaceAll('/', '_')}`), bytes);
}
process.exitCode = faults.length > 0 ? 1 : 0;
