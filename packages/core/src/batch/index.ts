/**
 * Long work as a plan of items, which any number of processes on any number of machines do: each result appears as a whole,
 * finished items are skipped, failures are kept with their reason, and one file of all results comes out. Nothing but a
 * shared file system is needed; schedulers are told by exit codes.
 *
 * @module
 * @example
 * ```ts
 * import { batchStatus, mergeResults, runShard, writePlan } from '@doppel/core/batch';
 * import { MemoryStore, readText } from '@doppel/core';
 *
 * async function* numbers() {
 *   for (let n = 1; n <= 4; n++) yield { id: `number ${n}`, files: [], details: n };
 * }
 * const store = new MemoryStore();
 * const task = { kind: 'squares', settings: {}, tools: {}, root: '', inputs: 'time', items: numbers() } as const;
 * const { plan } = await writePlan(store, { ...task, folder: 'plan' });
 * const host = { name: 'here', pid: 1 };
 * const open = async () => ({
 *   run: async ({ details }: { details?: unknown }) => ({ rows: [{ square: Number(details) ** 2 }] }),
 *   failedRows: () => [],
 *   close: () => {},
 * });
 * for (const index of [1, 2]) await runShard({ store, plan, shard: { index, of: 2 }, host, open });
 * const { done, items } = await batchStatus(store, plan);
 * await mergeResults(store, plan, { files: [{ path: 'squares.jsonl' }] });
 * console.log(done, items, (await readText(store, 'squares.jsonl')).split('\n')[3]); // 4 4 {"square":16}
 * ```
 */
export * from './exit_codes.ts';
export { mayPass } from './failures.ts';
export { type BatchItem, INPUT_CHECKS, type InputCheck, type PlannedItem } from './item.ts';
export { type Environment, type ProcessPlace, processPlace } from './launcher.ts';
export * from './merge.ts';
export { openPlan, type Plan, type PlanHeader, type PlanTask, writePlan } from './plan.ts';
export { type ResultHead, type ResultState, readResult, resultFile, resultText, statesOf } from './results.ts';
export * from './run_shard.ts';
export type { Host, RunnerRecord } from './runners.ts';
export * from './shard.ts';
export * from './status.ts';
