/**
 * What a run leaves behind: `metrics.csv`, `log.txt`, `plots/*.svg`, `checkpoints/best.safetensors` and
 * `checkpoints/last.safetensors`. Each file is written whole or not at all.
 */
import { type Checkpoint, saveCheckpoint } from '../checkpoint.ts';
import { joinPath, readText, type Store } from '../store.ts';
import { trainingCurves } from './curves.ts';
import { type EpochRow, formatMetrics, parseMetrics } from './metrics_log.ts';

export type CheckpointName = 'best' | 'last';

export const checkpointPath = (run: string, name: CheckpointName) =>
  joinPath(run, 'checkpoints', `${name}.safetensors`);

export class RunFolder {
  readonly path: string;
  private readonly store: Store;
  private readonly onLog: ((line: string) => void) | undefined;

  constructor(store: Store, path: string, onLog?: (line: string) => void) {
    this.store = store;
    this.path = path;
    this.onLog = onLog;
  }

  /** A line for `log.txt`, with the time, and for whoever follows the run. */
  async log(line: string): Promise<void> {
    await this.store.append(joinPath(this.path, 'log.txt'), `${new Date().toISOString()} ${line}\n`);
    this.onLog?.(line);
  }

  /** The rows of the epochs up to `epoch`, of a run that is taken up. */
  async readRows(epoch: number): Promise<EpochRow[]> {
    const file = joinPath(this.path, 'metrics.csv');
    if (!(await this.store.stat(file))) return [];
    return parseMetrics(await readText(this.store, file), file).filter((row) => row.epoch <= epoch);
  }

  async writeRows(rows: readonly EpochRow[]): Promise<void> {
    await this.store.write(joinPath(this.path, 'metrics.csv'), formatMetrics(rows));
    for (const [name, svg] of Object.entries(trainingCurves(rows))) {
      await this.store.write(joinPath(this.path, 'plots', `${name}.svg`), `${svg}\n`);
    }
  }

  async save(name: CheckpointName, checkpoint: Omit<Checkpoint, 'version'>): Promise<void> {
    await saveCheckpoint(this.store, checkpointPath(this.path, name), checkpoint);
  }
}
