/** Inputs that processes of one run must have alike, since each does its part of the same work. */
import { UsageError } from '../errors.ts';
import type { Communicator } from './communicator.ts';
import { gatherJson } from './gather_json.ts';

/** @param inputs of this process, by what they are called. @throws UsageError in all processes, naming the first that differs. */
export function requireSame(inputs: Readonly<Record<string, unknown>>, communicator: Communicator): void {
  if (communicator.size === 1) return;
  const own = Object.fromEntries(leavesOf(inputs, ''));
  const all = gatherJson<Record<string, string>>(communicator, own);
  const [first] = all as [Record<string, string>];
  for (const [rank, other] of all.entries()) {
    const name = Object.keys({ ...first, ...other }).find((key) => first[key] !== other[key]);
    if (name !== undefined) throw differing(name, first[name], other[name], rank);
  }
}

/** Values in nested objects, by their path. */
function leavesOf(value: unknown, path: string): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, part]) => leavesOf(part, path ? `${path}.${key}` : key));
}

const differing = (name: string, first = 'none', other = 'none', rank: number) =>
  new UsageError({
    action: 'train in several processes',
    expected: `the same ${name} in all`,
    found: `${first} in process 0 and ${other} in process ${rank}`,
    remedy: 'Give all of them the same flags, the same files and the same version of doppel.',
  });
