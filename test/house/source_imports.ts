/** Who imports whom among the sources of all packages, read from the text of the files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Folders of the packages by name, from the repository's root: those in `packages/`, and the models. */
export const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['models', 'models'],
  ...readdirSync(join(ROOT, 'packages')).map((name) => [name, `packages/${name}`] as const),
]);

export interface SourceFile {
  /** Path from the repository's root, as `packages/core/src/mining/plan.ts`. */
  path: string;
  /** Folder name of its package, as `core`. */
  package: string;
  /** First folder below `src`; empty for a file at its root. */
  folder: string;
  /** Imported files of the same package, by path from the repository's root. */
  files: string[];
  /** Imported modules of packages, as written. */
  modules: string[];
}

const IMPORT = /(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm;

/** Every TypeScript source, also with JSX, of every package. Imports of types count as imports. */
export function readSources(): SourceFile[] {
  return [...PACKAGES].flatMap(([name, folder]) => {
    const source = join(ROOT, folder, 'src');
    return readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => readSource(name, source, join(source, file)));
  });
}

function readSource(name: string, source: string, file: string): SourceFile {
  const specifiers = importsOf(readFileSync(file, 'utf8'));
  const fromSource = relative(source, file);
  return {
    path: relative(ROOT, file),
    package: name,
    folder: fromSource.includes('/') ? fromSource.split('/')[0]! : '',
    files: specifiers.filter((each) => each.startsWith('.')).map((each) => relative(ROOT, join(dirname(file), each))),
    modules: specifiers.filter((each) => !each.startsWith('.')),
  };
}

/** Module specifiers in a source text. Comments, whose examples import too, do not count. */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(IMPORT)].map((match) => match[1]!);
}

/** Circles of a graph: its strongly connected sets of two or more nodes (Tarjan 1972), each sorted. */
export function circlesOf(edges: ReadonlyMap<string, Iterable<string>>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string) => {
    order.set(node, order.size);
    low.set(node, order.get(node)!);
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, low.get(next)!));
    }
    if (low.get(node) !== order.get(node)) return;
    const circle = stack.splice(stack.indexOf(node));
    if (circle.length > 1) circles.push(circle.sort());
  };
  for (const node of edges.keys()) if (!order.has(node)) visit(node);
  return circles;
}
