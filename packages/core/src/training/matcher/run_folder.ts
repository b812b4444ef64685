/**
 * What a run leaves behind: `metrics.csv`, `log.txt`, `plots/*.svg`, `checkpoints/best.safetensors` and
 * `checkpoints/last.safetensors`. Each file is written whole or not at all.
 */
import { type Checkpoint, saveCheckpoint } from '../../matcher/checkpoint.ts';
import { RunFiles } from '../../runs/run_files.ts';
import { joinPath } from '../../store.ts';
import { type EpochRow, formatMetrics, parseMetrics } from './metrics_log.ts';

export type CheckpointName = 'best' | 'last';

export const checkpointPath = (run: string, name: CheckpointName) =>
  joinPath(run, 'checkpoints', `${name}.safetensors`);

/** Draws what a run's folder shows to people. Without it the folder holds numbers only. */
export interface MatcherPictures {
  /** SVG by the plot's name. */
  curves(rows: readonly EpochRow[]): Readonly<Record<string, string>>;
}

export class RunFolder extends RunFiles {
  /** The rows of the epochs up to `epoch`, of a run that is taken up. */
  async readRows(epoch: number): Promise<EpochRow[]> {
    return (await this.readTable(parseMetrics)).filter((row) => row.epoch <= epoch);
  }

  async writeRows(rows: readonly EpochRow[], pictures?: MatcherPictures): Promise<void> {
    await this.writeTable(formatMetrics(rows));
    if (pictures) await this.writePlots(pictures.curves(rows));
  }

  async save(name: CheckpointName, checkpoint: Omit<Checkpoint, 'version'>): Promise<void> {
    await saveCheckpoint(this.store, checkpointPath(this.path, name), checkpoint);
  }
}
