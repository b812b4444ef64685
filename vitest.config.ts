import { defineConfig } from 'vitest/config';

/** Files that change what all files of a process share: a registry, a module, the environment, or the memory they count. */
const ALONE = 'test/**/*.alone.test.ts';
/** Suites that never load the addon: `npm test` runs them while it is built. */
const WITHOUT_ADDON = [
  ...['base', 'raster', 'geo', 'dataset', 'import', 'inspect'].map((folder) => `test/core/${folder}/**/*.test.ts`),
  ...['report', 'studies', 'fuzz'].map((folder) => `test/${folder}/**/*.test.ts`),
  ...['house/imports', 'house/docstrings', 'docs'].map((name) => `test/${name}.test.ts`),
];
/** The smoke suites run outside vitest, on Deno and on Node's built dist. */
const OUTSIDE = ['**/node_modules/**', 'test/smoke/**'];

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 3, // for two cores: some tests wait for other programs
    projects: [
      {
        extends: true,
        // Loading the sources anew for each file takes longer than most files.
        test: {
          name: 'together',
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: [...OUTSIDE, ALONE, ...WITHOUT_ADDON],
        },
      },
      {
        extends: true,
        test: { name: 'without-addon', isolate: false, include: WITHOUT_ADDON, exclude: [ALONE] },
      },
      { extends: true, test: { name: 'alone', include: [ALONE], exclude: OUTSIDE } },
    ],
  },
});
