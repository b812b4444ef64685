/** Settings as YAML: read with the file's name in every message, and written to be read by users. */
import { FormatError, readText, reasonOf, type Store } from '@doppel/core';

import { parse, stringify } from 'yaml';

/** Settings of a file. @throws FileError if there is no file. @throws FormatError if it is not a YAML mapping. */
export async function readYaml(store: Store, file: string): Promise<Record<string, unknown>> {
  const text = await readText(store, file);
  const fail = (found: string, cause?: unknown) =>
    new FormatError({ action: 'read', file, expected: 'settings in YAML, as `key: value`', found, cause });
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw fail(reasonOf(cause).split('\n')[0] as string, cause);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw fail(Array.isArray(value) ? 'a list' : 'one value');
  return value as Record<string, unknown>;
}

export const writeYaml = (value: object): string => stringify(value, { lineWidth: 120 });
