/** Path of a file as seen from a folder, where both are stated alike: both absolute, or both from the working folder. */

/** @returns the path as it is where one is absolute and the other is not. */
export function relativePath(folder: string, path: string): { path: string; isRelative: boolean } {
  if (folder.startsWith('/') !== path.startsWith('/')) return { path, isRelative: false };
  const [from, to] = [partsOf(folder), partsOf(path)];
  if (from.includes('..')) return { path, isRelative: false };
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common++;
  return { path: [...from.slice(common).map(() => '..'), ...to.slice(common)].join('/'), isRelative: true };
}

const partsOf = (path: string) => path.split('/').filter((part) => part !== '' && part !== '.');
