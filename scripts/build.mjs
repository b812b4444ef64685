/** Builds every package: TypeScript to dist/, and what core needs beside it: tfjs's gradients, EPSG's systems, the page. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run } from './run.mjs';

/** In the order in which they build on each other. */
const PACKAGES = [
  'models',
  ...['core', 'report', 'experiment', 'native-cuda', 'web', 'server', 'cli'].map((name) => `packages/${name}`),
];

/** In core's dist/, without a source. */
const GENERATED = new Set(['gradients', 'epsg']);

/** Removes what was built from sources that are gone: tsc leaves it, and it would be published. */
function removeStale(folder) {
  const dist = join(ROOT, folder, 'dist');
  if (!existsSync(dist)) return;
  const hasSource = (stem) => existsSync(join(ROOT, folder, 'src', `${stem}.ts`));
  for (const file of readdirSync(dist, { recursive: true })) {
    const stem = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file)?.[1];
    if (stem && !GENERATED.has(stem) && !hasSource(stem)) rmSync(join(dist, file));
  }
}

PACKAGES.forEach(removeStale);
run('node', ['packages/core/scripts/bundle_gradients.mjs']);
run('node', ['packages/core/scripts/bundle_epsg.mjs']);
run('node_modules/.bin/tsc', ['-b', ...PACKAGES]);
run('node', ['packages/web/scripts/bundle.mjs']);
