/** Flow runs one way: no circles of files, folders below never import those above, packages meet at their entries. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circlesOf, importsOf, PACKAGES, ROOT, readSources, type SourceFile } from './source_imports.ts';

/** Folders of core by height: a folder imports itself and what stands on lines above it. */
const CORE_ORDER = [
  [''], // errors, store, version; see ROOT_FILES
  ['base'],
  ['batch', 'ops', 'raster'],
  ['processes'],
  ['backends', 'geo'],
  ['dataset'],
  ['localisation', 'prepare'],
  ['import', 'inspect', 'runs'],
  ['matcher'],
  ['evaluation', 'export'],
  ['generator'],
  ['mining', 'registration'],
  ['gallery', 'training'],
  ['verify'],
];
/** Files at core's root that stand higher than its lowest folder, with the folder that they stand on. */
const ROOT_FILES = new Map([
  ['packages/core/src/boxed_files.ts', 'base'],
  ['packages/core/src/named_models.ts', 'base'],
  ['packages/core/src/model.ts', 'matcher'],
  ['packages/core/src/index.ts', 'verify'],
]);

/** Packages by height, likewise. */
const PACKAGE_ORDER = [['models'], ['core'], ['report', 'native-cuda'], ['experiment', 'web'], ['server'], ['cli']];

const levelIn = (order: readonly string[][], name: string) => order.findIndex((level) => level.includes(name));

/** Height of a file of core. */
function heightOf(file: { path: string; folder: string }): number {
  const base = ROOT_FILES.get(file.path);
  return base === undefined ? levelIn(CORE_ORDER, file.folder) : levelIn(CORE_ORDER, base) + 0.5;
}

/** Imports within core that lead to a folder beside or above the importer's, as "a → b". */
function wrongArrows(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.flatMap((file) =>
    file.files
      .map((path) => byPath.get(path)!)
      .filter((target) => target && target.folder !== file.folder && heightOf(target) >= heightOf(file))
      .map((target) => `${file.path} → ${target.path}`),
  );
}

const sources = readSources();
const core = sources.filter((file) => file.package === 'core');

describe('imports', () => {
  it('lead to files that exist', () => {
    const missing = sources.flatMap(({ path, files }) =>
      files.filter((file) => !existsSync(join(ROOT, file))).map((file) => `${path} → ${file}`),
    );
    expect(missing).toEqual([]);
    expect(sources.length).toBeGreaterThan(200);
  });

  it('make no circle of files', () => {
    expect(circlesOf(new Map(sources.map(({ path, files }) => [path, files])))).toEqual([]);
  });

  it('of core go down its order of folders', () => {
    expect(core.filter((file) => heightOf(file) < 0).map(({ path }) => path)).toEqual([]);
    expect(wrongArrows(core)).toEqual([]);
  });

  it('of core lead to files, not to the entries that others use', () => {
    const entries = core.flatMap(({ path, files }) =>
      path.endsWith('/index.ts') ? [] : files.filter((file) => file.endsWith('/index.ts')).map((file) => [path, file]),
    );
    expect(entries).toEqual([]);
  });

  it('of packages go down their order, to named entries, to packages that they declare', () => {
    const wrong = sources.flatMap((file) => {
      const manifest = readManifest(file.package);
      return file.modules
        .filter((module) => module.startsWith('@doppel/'))
        .flatMap((module) => {
          const [, name, ...rest] = module.split('/') as [string, string, ...string[]];
          const entry = rest.length === 0 ? '.' : `./${rest.join('/')}`;
          const reasons = [
            levelIn(PACKAGE_ORDER, name) >= levelIn(PACKAGE_ORDER, file.package) && 'against the order',
            !(entry in readManifest(name).exports) && 'not an entry',
            !manifest.declared.has(`@doppel/${name}`) && 'not declared',
          ].filter(Boolean);
          return reasons.map((reason) => `${file.path} → ${module}: ${reason}`);
        });
    });
    expect(wrong).toEqual([]);
  });
});

function readManifest(name: string): { exports: Record<string, unknown>; declared: Set<string> } {
  const manifest = JSON.parse(readFileSync(join(ROOT, PACKAGES.get(name)!, 'package.json'), 'utf8'));
  // The page of web is bundled when it is built: users install none of what it is made of.
  const bundled = name === 'web' ? ['devDependencies'] : [];
  const groups = ['dependencies', 'optionalDependencies', 'peerDependencies', ...bundled];
  return {
    exports: manifest.exports ?? {},
    declared: new Set(groups.flatMap((group) => Object.keys(manifest[group] ?? {}))),
  };
}

describe('the walk of imports', () => {
  const file = (path: string, folder: string, files: string[]): SourceFile => ({
    ...{ path, folder, files, package: 'core', modules: [] },
  });

  it('reads static, dynamic, type and re-exporting imports, and no comments', () => {
    const text = `/** import { x } from 'comment'; */
import 'a';
import type { b } from 'b';
export { c } from 'c';
// import 'comment';
const d = await import('d');`;
    expect(importsOf(text)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('finds a planted circle', () => {
    const edges = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['a', 'd']],
      ['d', []],
    ]);
    expect(circlesOf(edges)).toEqual([['a', 'b', 'c']]);
  });

  it('finds a planted arrow against the order', () => {
    const planted = [file('p/raster/a.ts', 'raster', ['p/geo/b.ts']), file('p/geo/b.ts', 'geo', [])];
    expect(wrongArrows(planted)).toEqual(['p/raster/a.ts → p/geo/b.ts']);
  });
});
