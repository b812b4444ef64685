/** Examples in the headers of modules: extracts them, runs them on Deno from the sources, compares their output. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const DENO = join(createRequire(import.meta.url).resolve('deno/package.json'), '../deno');

/** Code of the `@example` blocks of a source file. */
export function examplesOf(file: URL): string[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/^ \* ```ts\n(.*?)^ \* ```$/gms);
  return [...blocks].map(([, block]) => block!.replaceAll(/^ \* ?/gm, ''));
}

/** Outputs that an example states, as in `console.log(…); // output`. */
export const statedBy = (example: string): string[] =>
  [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, output]) => output!);

/** Lines that an example prints. `files` maps the names in it to paths. */
export function linesOf(example: string, files: Record<string, string>): string[] {
  const input = Object.entries(files).reduce((code, [name, path]) => code.replaceAll(name, path), example);
  const args = ['run', '-A', '--no-lock', '--conditions=source', '--ext=ts', '-'];
  const options = { input, cwd: import.meta.dirname, encoding: 'utf8' } as const;
  return execFileSync(DENO, args, options).trimEnd().split('\n');
}
