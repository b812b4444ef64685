/** Runs the items of a shard that are missing: each result appears as a whole, and failures are kept with their reason. */
import type { Watch } from '../base/watch.ts';
import { reasonOf, UsageError } from '../errors.ts';
import type { Store } from '../store.ts';
import { endsAll, mayPass } from './failures.ts';
import { fingerprintOf, type PlannedItem } from './item.ts';
import type { Plan } from './plan.ts';
import { type ItemState, type ResultState, readResult, resultFile, resultText, statesOf } from './results.ts';
import { type Host, RunnerNotes } from './runners.ts';
import { rangeOf, type Shard } from './shard.ts';

export interface ItemResult {
  /** Rows of the merged result. */
  rows: readonly object[];
  /** Failure of a part of the item, whose rows say so. */
  failed?: { error: unknown; reason: string } | undefined;
}

/** Implementation of one kind of work. */
export interface Worker {
  /**
   * Does one item. Two workers may do the same item at the same time.
   *
   * @throws what keeps the item from being done; the signal's reason, to drop the item.
   */
  run(item: PlannedItem, signal: AbortSignal | undefined): Promise<ItemResult>;
  /** Rows of an item that failed as a whole. */
  failedRows(item: PlannedItem, reason: string): readonly object[];
  close(): void | Promise<void>;
}

export interface ShardTask extends Watch {
  store: Store;
  plan: Plan;
  shard: Shard;
  host: Host;
  /** Opens what the work needs; not called if nothing is missing. */
  open(): Promise<Worker>;
  /** Folder of results. Default: that of the plan. */
  results?: string | undefined;
  /** Folder of relative paths. Default: that of the plan. */
  root?: string | undefined;
  /** Tries until a failure that may pass is one for good. */
  attempts?: number | undefined;
  /** True to try again what failed for good. */
  retryFailed?: boolean | undefined;
  onLog?: ((line: string) => void) | undefined;
}

export interface ShardOutcome {
  /** Items of the shard. */
  items: number;
  /** Items that were done before. */
  kept: number;
  /** Items done now. */
  done: number;
  /** Items that failed for good, now or before. */
  failed: number;
  /** Items to be tried again. */
  retry: number;
  isStopped: boolean;
  /** Failure that ended the shard before its end, such as a full disk. */
  fatal?: unknown;
}

/** @throws what `open` throws. @throws FormatError if the plan is damaged. */
export async function runShard(task: ShardTask): Promise<ShardOutcome> {
  const { store, plan, shard, host, signal } = task;
  const results = task.results ?? plan.folder;
  const [from, to] = rangeOf(shard, plan.header.items);
  const outcome: ShardOutcome = { items: to - from, kept: 0, done: 0, failed: 0, retry: 0, isStopped: false };
  const run = new ShardRun(task, results, outcome);
  const notes = await RunnerNotes.start(store, results, plan, shard, host); // an empty shard has its folder, too
  try {
    for await (const wanted of missingItems(task, results, outcome)) {
      if (signal?.aborted) break;
      await run.item(wanted, notes);
      task.onProgress?.(finished(outcome), outcome.items);
      if (signal?.aborted || outcome.fatal !== undefined) break;
    }
    outcome.isStopped = signal?.aborted === true && finished(outcome) < outcome.items;
    return outcome;
  } finally {
    await run.close();
    await notes.end();
  }
}

const finished = ({ kept, done, failed, retry }: ShardOutcome) => kept + done + failed + retry;

interface Wanted {
  item: PlannedItem;
  before: ItemState;
}

/** Items of the shard that are to be run; the others are counted. Only those are read whole. */
async function* missingItems(
  { store, plan, shard, retryFailed, onProgress }: ShardTask,
  results: string,
  outcome: ShardOutcome,
): AsyncGenerator<Wanted> {
  const [from, to] = rangeOf(shard, plan.header.items);
  let run: ItemState[] = [];
  async function* flush() {
    const states = run;
    run = [];
    const [first, last] = [states[0], states.at(-1)];
    if (!first || !last) return;
    let i = 0;
    for await (const item of plan.items(first.index, last.index + 1)) yield { item, before: states[i++]! };
  }
  for await (const state of statesOf(store, plan, [...new Set([plan.folder, results])], from, to)) {
    const isOver = state.state === 'done' || (state.state === 'failed' && !retryFailed);
    if (!isOver) {
      run.push(state);
      if (run.length >= BLOCK_OF_ITEMS) yield* flush();
      continue;
    }
    if (state.state === 'done') outcome.kept++;
    else outcome.failed++;
    yield* flush();
  }
  if (finished(outcome) > 0) onProgress?.(finished(outcome), outcome.items);
  yield* flush();
}

/** Neighbouring items that are read from the plan together. */
const BLOCK_OF_ITEMS = 100;
/** Tries until a failure that may pass is one for good. */
const ATTEMPTS = 3;

/** State of a shard at work. */
class ShardRun {
  private readonly task: ShardTask;
  private readonly results: string;
  private readonly outcome: ShardOutcome;
  private worker: Worker | undefined;
  private common: string | undefined;

  constructor(task: ShardTask, results: string, outcome: ShardOutcome) {
    this.task = task;
    this.results = results;
    this.outcome = outcome;
  }

  async close(): Promise<void> {
    await this.worker?.close();
  }

  async item({ item, before }: Wanted, notes: RunnerNotes): Promise<void> {
    const { outcome, task } = this;
    this.worker ??= await task.open();
    notes.begin(item.id);
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    try {
      const { rows, failed } = await this.resultOf(item, this.worker);
      if (failed) await this.keepFailure(item, before, { ...failed, rows, seconds: seconds() });
      else await this.keep(item, before, { state: 'done', rows, seconds: seconds() });
    } catch (error) {
      if (task.signal?.aborted && error === task.signal.reason) return; // the item is dropped, and stays missing
      outcome.fatal = error; // also of a result, or a failure, that cannot be written
      return;
    }
    notes.finish(seconds());
  }

  /** Result of an item, or its failure. @throws the signal's reason, and what ends the whole shard. */
  private async resultOf(item: PlannedItem, worker: Worker): Promise<ItemResult> {
    const { signal } = this.task;
    try {
      await this.requireInputs(item);
      return await worker.run(item, signal);
    } catch (error) {
      if ((signal?.aborted && error === signal.reason) || endsAll(error)) throw error;
      const reason = reasonOf(error);
      return { rows: worker.failedRows(item, reason), failed: { error, reason } };
    }
  }

  /** @throws UsageError if the files of the item have changed since the plan: its result would be of other inputs. */
  private async requireInputs(item: PlannedItem): Promise<void> {
    const { store, plan, root } = this.task;
    this.common ??= await plan.common();
    const now = await fingerprintOf(store, item, {
      ...{ common: this.common, root: root ?? plan.header.root, inputs: plan.header.inputs },
    });
    if (now === item.fingerprint) return;
    throw new UsageError({
      action: `do the item ${item.id}`,
      expected: `its input files as they were planned (${plan.header.inputs})`,
      found: 'files that have changed since, or are elsewhere',
      remedy: 'Plan again into the same folder: finished items are kept.',
    });
  }

  private async keepFailure(
    item: PlannedItem,
    before: ItemState,
    { error, ...result }: { error: unknown; reason: string; rows: readonly object[]; seconds: number },
  ): Promise<void> {
    const { attempts: most = ATTEMPTS, onLog } = this.task;
    const attempts = 1 + (await this.triesBefore(before));
    onLog?.(`${item.id}: ${result.reason}`);
    await this.keep(item, before, {
      ...result,
      attempts,
      state: mayPass(error) && attempts < most ? 'retry' : 'failed',
    });
  }

  private async triesBefore({ state, file }: ItemState): Promise<number> {
    if (state !== 'retry') return 0;
    return (await readResult(this.task.store, file!)).head.attempts;
  }

  private async keep(
    item: PlannedItem,
    before: ItemState,
    result: {
      state: ResultState;
      reason?: string | undefined;
      rows: readonly object[];
      seconds: number;
      attempts?: number;
    },
  ): Promise<void> {
    const { store } = this.task;
    const { state, reason, rows, seconds, attempts = 1 } = result;
    const head = { item: item.index, id: item.id, status: state, reason, attempts, seconds };
    const file = resultFile(this.results, item, state);
    await store.write(file, resultText(head, rows));
    if (before.file !== file && before.file?.startsWith(`${this.results}/`)) await store.remove(before.file);
    this.outcome[state]++;
  }
}
