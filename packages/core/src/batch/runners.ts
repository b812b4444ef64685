/**
 * Runners: processes at work on a plan. Each keeps a small file up to date, so that the status tells what runs, what is
 * lost, and how long the rest takes. Nothing depends on these files.
 */
import { z } from 'zod';
import { joinPath, readText, type Store } from '../store.ts';
import type { Plan } from './plan.ts';
import { type Shard, shardText } from './shard.ts';

const recordSchema = z.object({
  /** Fingerprint of the plan. */
  plan: z.string(),
  shard: z.string(),
  host: z.string(),
  pid: z.int(),
  /** ISO 8601. */
  started: z.string(),
  updated: z.string(),
  /** `ended`: with its shard, or told to stop. */
  state: z.enum(['running', 'ended']),
  /** Item at work. */
  item: z.string().nullable(),
  /** Items done or failed by this runner. */
  tried: z.int(),
  /** Seconds that they took. */
  seconds: z.number(),
});
export type RunnerRecord = z.output<typeof recordSchema>;

/** Place where a runner runs. */
export interface Host {
  name: string;
  pid: number;
}

/** Milliseconds between two notes of a runner at work. */
const EVERY = 10_000;
/** Milliseconds after which a runner without a note is lost. */
export const LOST_AFTER = 6 * EVERY;

const FOLDER = 'runners';

/** Keeps the file of one runner. */
export class RunnerNotes {
  private readonly store: Store;
  private readonly file: string;
  private readonly record: RunnerRecord;
  private readonly timer: ReturnType<typeof setInterval>;
  private lastWrite = Promise.resolve();

  private constructor(store: Store, file: string, record: RunnerRecord) {
    this.store = store;
    this.file = file;
    this.record = record;
    this.timer = setInterval(() => this.note(), EVERY);
    (this.timer as { unref?(): void }).unref?.(); // the process ends with its work
  }

  static async start(store: Store, root: string, plan: Plan, shard: Shard, host: Host): Promise<RunnerNotes> {
    const now = new Date().toISOString();
    const name = `${shardText(shard).replace('/', '-of-')}.${host.name}.${host.pid}.${crypto.randomUUID().slice(0, 8)}`;
    const notes = new RunnerNotes(store, joinPath(root, FOLDER, `${name}.json`), {
      ...{ plan: plan.header.fingerprint, shard: shardText(shard), host: host.name, pid: host.pid },
      ...{ started: now, updated: now, state: 'running', item: null, tried: 0, seconds: 0 },
    });
    await notes.note();
    return notes;
  }

  begin(item: string): void {
    this.record.item = item;
  }

  finish(seconds: number): void {
    this.record.item = null;
    this.record.tried++;
    this.record.seconds += seconds;
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    Object.assign(this.record, { state: 'ended', item: null });
    await this.note();
  }

  /** A note that cannot be written is left out: the next one may be. */
  private note(): Promise<void> {
    this.record.updated = new Date().toISOString();
    const text = `${JSON.stringify(this.record)}\n`;
    this.lastWrite = this.lastWrite.then(() => this.store.write(this.file, text)).catch(() => {});
    return this.lastWrite;
  }
}

/** Records of the runners of a plan, one by one. A damaged file is left out. */
export async function* runnersOf(store: Store, plan: Plan, roots: readonly string[]): AsyncGenerator<RunnerRecord> {
  for (const root of roots) {
    const folder = joinPath(root, FOLDER);
    if (!(await store.stat(folder))) continue;
    for (const name of (await store.list(folder)).filter((each) => each.endsWith('.json'))) {
      const record = recordSchema.safeParse(parsed(await readText(store, joinPath(folder, name)).catch(() => '')));
      if (record.success && record.data.plan === plan.header.fingerprint) yield record.data;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
