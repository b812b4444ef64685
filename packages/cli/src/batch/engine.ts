/**
 * An engine runs the shards of a plan as tasks: a scheduler, or this machine. What is submitted can be read before.
 */
import type { Store } from '@doppel/core';
import type { Plan } from '@doppel/core/batch';
import { z } from 'zod';
import { text, type Values, whole } from '../flags.ts';
import type { Watch } from '../work.ts';

/** Flags that say what a task gets. */
export const TASK_FLAGS = {
  atOnce: whole(1, 'Tasks at a time; default: as many as the engine runs (local: 2)').optional(),
  retries: whole(0, 'Further runs of a task that ends with 75, or is killed (Slurm, Kubernetes)').default(3),
  cpus: whole(1, 'Processors of a task (Slurm, Kubernetes)').optional(),
  gpus: whole(1, 'GPUs of a task (Slurm, Kubernetes)').optional(),
  memory: text('size', 'Memory of a task, as 4G (Slurm, Kubernetes)').optional(),
  time: text(
    'hh:mm:ss',
    'Time limit of a task; it is drained a minute before and goes on in another run (Slurm)',
  ).optional(),
  sbatch: z
    .array(z.string().startsWith('--'))
    .optional()
    .meta({ description: 'Further options of sbatch, as --partition=gpu,--account=x', hint: 'options' }),
  image: text('image', 'Container image of doppel (Kubernetes)').optional(),
  claim: text('name', 'PersistentVolumeClaim that holds plan and data (Kubernetes)').optional(),
  mount: text(
    'folder',
    'Where the claim is mounted: plan and data have the same paths as here (Kubernetes)',
  ).optional(),
};
export type TaskOptions = Values<typeof TASK_FLAGS>;

export interface Submission extends TaskOptions {
  store: Store;
  plan: Plan;
  /** Full path of the plan's folder. */
  folder: string;
  shards: number;
  /** Further words of `doppel batch run`. */
  flags: readonly string[];
}

export interface Engine {
  name: string;
  description: string;
  /** Text of the tasks as they are submitted. @throws UsageError if a flag is missing. */
  describe(submission: Submission): string;
  /** Submits it. @returns what the engine says. @throws UsageError if the engine is not here. */
  submit(submission: Submission, watch: Watch): Promise<{ json: object; text: string; exitCode?: number }>;
}
