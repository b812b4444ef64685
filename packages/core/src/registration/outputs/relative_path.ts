/** Path of a file as seen from a folder, by which both may be moved together. */
import type { Store } from '../../store.ts';

export async function relativePath(store: Store, folder: string, path: string): Promise<string> {
  const real = (each: string) => store.realPath?.(each) ?? Promise.resolve(each);
  const [from, to] = (await Promise.all([folder, path].map(real))).map(partsOf) as [string[], string[]];
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common++;
  return [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/');
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');
