/**
 * Files of a generator's run in addition to those of every run: `stages.json`, `samples/*.png` and
 * `checkpoints/side-N.safetensors` at each stage's end.
 */

import { type GeneratorCheckpoint, loadGenerator, saveGenerator } from '../../generator/checkpoint.ts';
import type { StageReport } from '../../generator/run_state.ts';
import { checkpointPath, RunFiles } from '../../runs/run_files.ts';
import { joinPath } from '../../store.ts';

export type GeneratorCheckpointName = 'last' | `side-${number}`;

export class GeneratorFolder extends RunFiles {
  async writeStages(stages: readonly StageReport[]): Promise<void> {
    await this.store.write(joinPath(this.path, 'stages.json'), `${JSON.stringify(stages, null, 1)}\n`);
  }

  /** Writes a picture, named so that files sort by time. */
  async writeSamples(step: number, side: number, png: Uint8Array): Promise<void> {
    const name = `${String(step).padStart(6, '0')}-side-${side}.png`;
    await this.store.write(joinPath(this.path, 'samples', name), png);
  }

  async save(name: GeneratorCheckpointName, checkpoint: Omit<GeneratorCheckpoint, 'version'>): Promise<void> {
    await saveGenerator(this.store, checkpointPath(this.path, name), checkpoint);
  }

  /** Checkpoint of a stage's end; undefined where it is gone. */
  async readStage(side: number): Promise<GeneratorCheckpoint | undefined> {
    const file = checkpointPath(this.path, `side-${side}`);
    return (await this.store.stat(file)) ? loadGenerator(this.store, file) : undefined;
  }
}
