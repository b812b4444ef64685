/**
 * Slurm: an array of tasks, each a shard. A task that ends with 75 or is killed is queued again by its own script, some
 * times; so is one whose time is nearly up, after it was drained. A cancelled one is drained and stays cancelled.
 */
import { joinPath } from '@doppel/core';
import { EXIT } from '@doppel/core/batch';
import type { Engine, Submission } from '../engine.ts';
import { programWords } from '../run_locally.ts';
import { submitBy } from './submit_by.ts';

/** Seconds before the end of a task's time at which it is drained. */
const DRAIN = 60;
/** Exit code of a process after SIGKILL, as when memory is short. */
const KILLED = 137;

export const slurm: Engine = {
  name: 'slurm',
  description: 'an array job of Slurm, by sbatch',
  describe: slurmScript,
  async submit(submission) {
    const { store, folder, shards } = submission;
    const script = slurmScript(submission);
    await store.write(joinPath(folder, 'runners', 'slurm.sh'), script); // and Slurm finds the folder of its outputs
    const job = await submitBy('sbatch', ['--parsable'], script);
    return {
      json: { job, shards },
      text: `job ${job}: ${shards} tasks submitted; next: squeue --job ${job}, doppel batch status ${folder}`,
    };
  },
};

const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

export function slurmScript({ plan, folder, shards, flags, retries, ...task }: Submission): string {
  const { atOnce, cpus, gpus, memory, time, sbatch = [] } = task;
  const run = [...programWords(), 'batch', 'run', folder, '--shard'].map(quoted).join(' ');
  const options = [
    `--job-name=doppel-${plan.header.kind}`,
    `--array=1-${shards}${atOnce === undefined ? '' : `%${atOnce}`}`,
    `--output=${folder}/runners/slurm-%A_%a.txt`,
    ...['--open-mode=append', '--requeue', `--signal=B:USR1@${DRAIN}`],
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    ...(gpus === undefined ? [] : [`--gpus-per-task=${gpus}`, '--ntasks=1']),
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
    ...(time === undefined ? [] : [`--time=${time}`]),
    ...sbatch,
  ];
  return `#!/bin/sh
${options.map((option) => `#SBATCH ${quoted(option)}`).join('\n')}

# Exit codes after which the task is queued again: what may pass, and SIGKILL.
again='${EXIT.tryAgain} ${KILLED}'
# Time is nearly up: the task is drained, and goes on in another run.
trap 'again="$again ${EXIT.drained}"; kill -TERM "$run"' USR1
# Cancelled: the task is drained, and that is all.
trap 'kill -TERM "$run"' TERM

${run} "$SLURM_ARRAY_TASK_ID/${shards}"${flags.map((flag) => ` ${quoted(flag)}`).join('')} &
run=$!
wait "$run"
code=$?
while kill -0 "$run" 2>/dev/null; do # a trap ends wait before the process has ended
  wait "$run"
  code=$?
done
case " $again " in
*" $code "*)
  if [ "\${SLURM_RESTART_COUNT:-0}" -lt ${retries} ]; then
    scontrol requeue "\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
  fi
  ;;
esac
exit "$code"
`;
}
