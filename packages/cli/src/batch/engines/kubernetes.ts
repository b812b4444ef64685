/**
 * Kubernetes: an Indexed Job, an index a shard. An index with items that failed for good (exit code 42) is not run again,
 * a pod that was evicted does not count, a wrong command ends the job, all else is tried again some times.
 */
import { EXIT } from '@doppel/core/batch';
import { UsageError } from '@doppel/core/errors';
import { stringify } from 'yaml';
import type { Engine, Submission } from '../engine.ts';
import { submitBy } from './submit_by.ts';

/** Exit code of a wrong command line. */
const WRONG_COMMAND = 2;
/** Seconds that a pod has to finish or drop its item. */
const DRAIN = 60;

export const kubernetes: Engine = {
  name: 'kubernetes',
  description: 'an Indexed Job of Kubernetes, by kubectl',
  describe: (submission) => stringify(indexedJob(submission), { lineWidth: 120, aliasDuplicateObjects: false }),
  async submit(submission) {
    const said = await submitBy('kubectl', ['create', '-f', '-'], JSON.stringify(indexedJob(submission)));
    const { shards, folder } = submission;
    return {
      json: { job: said, shards },
      text: `${said}: ${shards} indices; next: kubectl get jobs, doppel batch status ${folder}`,
    };
  },
};

/** The object, as of Kubernetes 1.33 (backoffLimitPerIndex) and later. @throws UsageError */
export function indexedJob({ plan, folder, shards, flags, ...task }: Submission) {
  const { atOnce, retries, cpus, gpus, memory } = task;
  const image = required(task.image, '--image');
  const claim = required(task.claim, '--claim');
  const mount = required(task.mount, '--mount');
  if (!`${folder}/`.startsWith(`${mount.replace(/\/+$/, '')}/`)) throw outside(folder, mount);
  const labels = { 'app.kubernetes.io/name': 'doppel', 'app.kubernetes.io/component': 'batch' };
  const requests = {
    ...(cpus !== undefined && { cpu: String(cpus) }),
    ...(memory !== undefined && { memory: binary(memory) }),
  };
  const limits = {
    ...(memory !== undefined && { memory: binary(memory) }),
    ...(gpus !== undefined && { 'nvidia.com/gpu': String(gpus) }),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { generateName: `doppel-${plan.header.kind}-`, labels },
    spec: {
      completionMode: 'Indexed',
      completions: shards,
      parallelism: Math.min(shards, atOnce ?? shards),
      backoffLimitPerIndex: retries,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailIndex', onExitCodes: { operator: 'In', values: [EXIT.permanent] } },
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [WRONG_COMMAND] } },
        ],
      },
      template: {
        metadata: { labels },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: DRAIN,
          containers: [
            {
              ...{ name: 'doppel', image },
              args: ['batch', 'run', folder, '--shards', String(shards), ...flags],
              resources: { requests, limits },
              securityContext: { allowPrivilegeEscalation: false },
              volumeMounts: [{ name: 'data', mountPath: mount }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  };
}

/** Slurm's 4G is Kubernetes' 4Gi. */
const binary = (size: string) => size.replace(/^(\d+)([KMGT])$/, '$1$2i');

function required(value: string | undefined, flag: string): string {
  if (value !== undefined) return value;
  throw new UsageError({ action: 'describe a job of Kubernetes', expected: flag, found: 'none' });
}

const outside = (folder: string, mount: string) =>
  new UsageError({
    action: 'describe a job of Kubernetes',
    expected: `the plan below --mount ${mount}, where the pods see it`,
    found: folder,
  });
