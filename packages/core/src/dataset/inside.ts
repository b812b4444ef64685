/**
 * Checks that a path of a data set is relative to its folder and never leaves it, on any system: an untrusted data set
 * must not reach other files.
 */
export function isInside(path: string): boolean {
  if (path === '' || path.includes('\0') || /^([/\\]|[a-zA-Z]:)/.test(path)) return false;
  let depth = 0;
  for (const segment of path.split(/[/\\]/)) {
    if (segment === '..') depth--;
    else if (segment !== '.' && segment !== '') depth++;
    if (depth < 0) return false;
  }
  return depth > 0;
}
