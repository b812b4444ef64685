/** Paths of a plan's items. */
import { isAbsolute, relative, resolve } from 'node:path';

/** A path relative to a folder if it lies there, so that plan and data may move together; else its full path. */
export function within(root: string, path: string): string {
  const full = resolve(path);
  const inside = relative(root, full);
  return inside.startsWith('..') || isAbsolute(inside) ? full : inside;
}
