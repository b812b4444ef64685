/** A kind of work for tests: numbers are squared, and a file is read where one is named. */
import type { BatchItem, PlannedItem, Worker } from '../../../packages/core/src/batch/index.ts';
import { type Plan, writePlan } from '../../../packages/core/src/batch/plan.ts';
import type { Store } from '../../../packages/core/src/store.ts';

export const HOST = { name: 'here', pid: 1 };

export async function* numbers(count: number, files: readonly string[] = []): AsyncGenerator<BatchItem> {
  for (let i = 0; i < count; i++) yield { id: `n${i}`, files, details: i };
}

export async function planSquares(
  store: Store,
  items: AsyncIterable<BatchItem>,
  more: Partial<Parameters<typeof writePlan>[1]> = {},
): Promise<{ plan: Plan; isNew: boolean }> {
  const own = { folder: 'p', kind: 'squares', settings: {}, tools: {}, root: '', inputs: 'time' } as const;
  return writePlan(store, { ...own, items, ...more });
}

/** @param fail throws for what is to fail. */
export const squareWorker =
  (fail: (item: PlannedItem) => void = () => {}, tried: string[] = []): (() => Promise<Worker>) =>
  async () => ({
    async run(item) {
      tried.push(item.id);
      fail(item);
      return { rows: [{ id: item.id, square: Number(item.details) ** 2 }] };
    },
    failedRows: ({ id }, error) => [{ id, error }],
    close: () => {},
  });
