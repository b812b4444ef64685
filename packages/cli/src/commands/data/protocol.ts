/** Protocols: splits by place that are fixed once, for all who use the data. */
import { FormatError, readText, type Store } from '@doppel/core';
import { parseJson } from '@doppel/core/base';
import type { Protocol } from '@doppel/core/dataset';
import { z } from 'zod';

const names = z.array(z.string());
/** Protocol file; other keys, such as a name or the CRS, are ignored. */
const protocolSchema = z.object({
  split: z.object({ train: names, validation: names, test: names }),
  unused: names.default([]),
});

/** @throws FormatError where the file is no protocol. */
export async function readProtocol(store: Store, file: string): Promise<Protocol> {
  const fail = (found: string, cause?: unknown) =>
    new FormatError({
      ...{ action: 'read', file, found, cause },
      expected: '{"split": {"train": [names], "validation": […], "test": […]}, "unused": […]}',
    });
  return parseJson(protocolSchema, await readText(store, file), fail);
}
