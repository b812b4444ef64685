/**
 * What a generator's run leaves behind: `metrics.csv`, `log.txt`, `stages.json`, `plots/*.svg`, `samples/*.png`,
 * `checkpoints/last.safetensors` and `checkpoints/side-N.safetensors` at each stage's end. Each file is written whole or not
 * at all.
 */
import { joinPath, readText, type Store } from '../store.ts';
import { type GeneratorCheckpoint, loadGenerator, saveGenerator } from './checkpoint.ts';
import { generatorCurves } from './curves.ts';
import { formatGeneratorMetrics, type GeneratorRow, parseGeneratorMetrics } from './metrics_log.ts';
import type { StageReport } from './run_state.ts';

export const generatorCheckpointPath = (run: string, name: 'last' | `side-${number}`) =>
  joinPath(run, 'checkpoints', `${name}.safetensors`);

export class GeneratorFolder {
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

  /** The rows up to a step, of a run that is taken up. */
  async readRows(step: number): Promise<GeneratorRow[]> {
    const file = joinPath(this.path, 'metrics.csv');
    if (!(await this.store.stat(file))) return [];
    return parseGeneratorMetrics(await readText(this.store, file), file).filter((row) => row.step <= step);
  }

  async writeRows(rows: readonly GeneratorRow[]): Promise<void> {
    await this.store.write(joinPath(this.path, 'metrics.csv'), formatGeneratorMetrics(rows));
  }

  async writeStages(stages: readonly StageReport[], rows: readonly GeneratorRow[]): Promise<void> {
    await this.store.write(joinPath(this.path, 'stages.json'), `${JSON.stringify(stages, null, 1)}\n`);
    for (const [name, svg] of Object.entries(generatorCurves(rows))) {
      await this.store.write(joinPath(this.path, 'plots', `${name}.svg`), `${svg}\n`);
    }
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
