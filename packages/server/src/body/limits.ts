/** Limits on one request, and on all requests together. */
import { UsageError } from '@doppel/core/errors';
import { z } from 'zod';
import { foundBySchema } from '../schema_error.ts';

const count = z.int().min(1);

export const limitsSchema = z.strictObject({
  /** Bytes of a request's body. */
  maxBytes: count.default(32 * 2 ** 20),
  /** Pairs in a request. */
  maxPairs: count.default(64),
  /** Pixels of an image, read from its header before it is decompressed. */
  maxPixels: count.default(2 ** 22),
  /** Requests for scores in progress at a time: with `maxBytes`, the bound on memory. */
  maxRequests: count.default(64),
  /** Pairs that wait to be scored. */
  maxQueuedPairs: count.default(1024),
  /** Pairs that go through the network together. */
  maxBatch: count.default(32),
  /** Milliseconds that a pair waits for others to join its batch. */
  batchDelayMs: z.number().min(0).default(2),
  /** Milliseconds from the end of a request's headers to its answer; on Node the headers have as long before. */
  timeoutMs: count.default(30_000),
});
export type Limits = z.infer<typeof limitsSchema>;

/** Limits with the defaults filled in. @throws UsageError if a limit is out of its range, or limits contradict each other. */
export function limitsFrom(given: z.input<typeof limitsSchema> = {}): Limits {
  const parsed = limitsSchema.safeParse(given);
  if (!parsed.success) {
    throw new UsageError({ action: 'use the limits', found: foundBySchema(parsed.error) });
  }
  const { maxPairs, maxQueuedPairs } = parsed.data;
  if (maxPairs > maxQueuedPairs) {
    throw new UsageError({
      action: 'use the limits',
      expected: 'a queue that holds a whole request',
      found: `${maxPairs} pairs per request and a queue of ${maxQueuedPairs}`,
    });
  }
  return parsed.data;
}
