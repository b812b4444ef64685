/**
 * What a generator's run leaves behind: `metrics.csv`, `log.txt`, `stages.json`, `plots/*.svg`, `samples/*.png`,
 * `checkpoints/last.safetensors` and `checkpoints/side-N.safetensors` at each stage's end. Each file is written whole or not
 * at all.
 */
import { RunFiles } from '../run_files.ts';
import { joinPath } from '../store.ts';
import { type GeneratorCheckpoint, loadGenerator, saveGenerator } from './checkpoint.ts';
import { generatorCurves } from './curves.ts';
import { formatGeneratorMetrics, type GeneratorRow, parseGeneratorMetrics } from './metrics_log.ts';
import type { StageReport } from './run_state.ts';

export const generatorCheckpointPath = (run: string, name: 'last' | `side-${number}`) =>
  joinPath(run, 'checkpoints', `${name}.safetensors`);

export class GeneratorFolder extends RunFiles {
  /** The rows up to a step, of a run that is taken up. */
  async readRows(step: number): Promise<GeneratorRow[]> {
    return (await this.readTable(parseGeneratorMetrics)).filter((row) => row.step <= step);
  }

  async writeRows(rows: readonly GeneratorRow[]): Promise<void> {
    await this.writeTable(formatGeneratorMetrics(rows));
  }

  async writeStages(stages: readonly StageReport[], rows: readonly GeneratorRow[]): Promise<void> {
    await this.store.write(joinPath(this.path, 'stages.json'), `${JSON.stringify(stages, null, 1)}\n`);
    await this.writePlots(generatorCurves(rows));
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
