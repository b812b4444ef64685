/** One reading of JSON against a schema for every file format. */
import type { z } from 'zod';
import { reasonOf } from '../errors.ts';

/** Faults that a message lists. */
const SHOWN = 3;

/** The value of a JSON text. @param fail makes the error to throw: the format's file, expectation and remedy. */
export function parseJson<T>(schema: z.ZodType<T>, text: string, fail: (found: string, cause?: unknown) => Error): T {
  if (text.trim() === '') throw fail('an empty line');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`no JSON (${reasonOf(cause)})`, cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const more = issues.length > SHOWN ? [`and ${issues.length - SHOWN} more`] : [];
  throw fail([...issues.slice(0, SHOWN).map(describeIssue(value)), ...more].join('; '), parsed.error);
}

const describeIssue =
  (root: unknown) =>
  ({ path, message }: z.core.$ZodIssue): string => {
    const value = path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown> | undefined)?.[key], root);
    const shown = path.length === 0 ? '' : ` (it is ${JSON.stringify(value) ?? 'missing'})`;
    return `${path.length === 0 ? '' : `"${path.join('.')}": `}${message}${shown}`;
  };
