/**
 * What a generator's run leaves behind: `metrics.csv`, `log.txt`, `stages.json`, `plots/*.svg`, `samples/*.png`,
 * `checkpoints/last.safetensors` and `checkpoints/side-N.safetensors` at each stage's end. Each file is written whole or not
 * at all.
 */

import { type GeneratorCheckpoint, loadGenerator, saveGenerator } from '../../generator/checkpoint.ts';
import type { StageReport } from '../../generator/run_state.ts';
import { RunFiles } from '../../runs/run_files.ts';
import { joinPath } from '../../store.ts';
import { formatGeneratorMetrics, type GeneratorRow, parseGeneratorMetrics } from './metrics_log.ts';
import type { GridBlock } from './probe.ts';

export const generatorCheckpointPath = (run: string, name: 'last' | `side-${number}`) =>
  joinPath(run, 'checkpoints', `${name}.safetensors`);

/** Draws what a run's folder shows to people. Without it the folder holds numbers only. */
export interface GeneratorPictures {
  /** SVG by the plot's name. */
  curves(rows: readonly GeneratorRow[]): Readonly<Record<string, string>>;
  /** PNG of blocks of patches of a side in pixels, each in rows of `columns`. */
  patches(blocks: readonly GridBlock[], layout: { side: number; columns: number }): Uint8Array;
}

export class GeneratorFolder extends RunFiles {
  /** The rows up to a step, of a run that is taken up. */
  async readRows(step: number): Promise<GeneratorRow[]> {
    return (await this.readTable(parseGeneratorMetrics)).filter((row) => row.step <= step);
  }

  async writeRows(rows: readonly GeneratorRow[]): Promise<void> {
    await this.writeTable(formatGeneratorMetrics(rows));
  }

  async writeStages(
    stages: readonly StageReport[],
    rows: readonly GeneratorRow[],
    pictures?: GeneratorPictures,
  ): Promise<void> {
    await this.store.write(joinPath(this.path, 'stages.json'), `${JSON.stringify(stages, null, 1)}\n`);
    if (pictures) await this.writePlots(pictures.curves(rows));
  }

  /** Named so that files sort by time. */
  async writeSamples(step: number, side: number, png: Uint8Array): Promise<void> {
    const name = `${String(step).padStart(6, '0')}-side-${side}.png`;
    await this.store.write(joinPath(this.path, 'samples', name), png);
  }

  async save(name: 'last' | `side-${number}`, checkpoint: Omit<GeneratorCheckpoint, 'version'>): Promise<void> {
    await saveGenerator(this.store, generatorCheckpointPath(this.path, name), checkpoint);
  }

  /** The checkpoint of a stage's end; undefined where there is none any more. */
  async readStage(side: number): Promise<GeneratorCheckpoint | undefined> {
    const file = generatorCheckpointPath(this.path, `side-${side}`);
    return (await this.store.stat(file)) ? loadGenerator(this.store, file) : undefined;
  }
}
