/** The Indexed Job of a plan, held against the API's own schema; and the images that it runs, linted. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { validate } from 'dockerfile-utils';
import { Job } from 'kubernetes-models/batch/v1';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { indexedJob, kubernetes } from '../../packages/cli/src/batch/engines/kubernetes.ts';
import { MemoryStore } from '../../packages/core/src/store.ts';
import { numbers, planSquares } from '../core/batch/squares.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

async function submission(more: Partial<Parameters<typeof indexedJob>[0]> = {}) {
  const store = new MemoryStore();
  const { plan } = await planSquares(store, numbers(40));
  return {
    ...{ store, plan, folder: '/data/plan', shards: 4, flags: ['--backend', 'native'], retries: 3 },
    ...{ image: 'doppel:0.1.0', claim: 'data', mount: '/data', atOnce: 2, cpus: 2, gpus: 1, memory: '4G' },
    ...{ time: undefined, sbatch: undefined },
    ...more,
  };
}

describe('the job of Kubernetes', () => {
  it('is one of the API', async () => {
    const text = kubernetes.describe(await submission());
    const job = new Job(parse(text));
    expect(() => job.validate()).not.toThrow();
    expect(job.toJSON()).toEqual(indexedJob(await submission()));
    const { spec } = indexedJob(await submission());
    for (const wrong of [{ completions: '4' }, { backoffLimitPerIndex: 1.5 }, { podFailurePolicy: { rules: [{}] } }]) {
      const other = { ...job.toJSON(), spec: { ...spec, ...wrong } };
      expect(() => new Job(other as never).validate(), JSON.stringify(wrong)).toThrow();
    }
  });

  it('tells failures apart, by index', async () => {
    const { spec } = indexedJob(await submission());
    expect(spec).toMatchObject({ completionMode: 'Indexed', completions: 4, parallelism: 2, backoffLimitPerIndex: 3 });
    expect(spec.podFailurePolicy.rules.map(({ action, ...on }) => [action, JSON.stringify(on)])).toEqual([
      ['Ignore', expect.stringContaining('DisruptionTarget')],
      ['FailIndex', expect.stringContaining('[42]')],
      ['FailJob', expect.stringContaining('[2]')],
    ]);
    const [container] = spec.template.spec.containers;
    expect(container!.args).toEqual(['batch', 'run', '/data/plan', '--shards', '4', '--backend', 'native']);
    expect(container!.resources.limits).toEqual({ memory: '4Gi', 'nvidia.com/gpu': '1' });
    expect(spec.template.spec.restartPolicy).toBe('Never'); // the policy of failures asks for it
  });

  it('asks for what it needs', async () => {
    const wrong = async (more: object) => () => kubernetes.describe(more as never);
    expect(await wrong(await submission({ image: undefined }))).toThrow('expected --image');
    expect(await wrong(await submission({ folder: '/database/plan' }))).toThrow('the plan below --mount /data');
  });
});

describe.each(['deploy/Dockerfile', 'deploy/Dockerfile.cuda'])('%s', (file) => {
  const text = readFileSync(`${ROOT}${file}`, 'utf8');

  it('has no fault that a linter finds', () => {
    expect(validate(text)).toEqual([]);
    expect(validate('FROM node\nCPOY . .\nWORKDIR a')).not.toEqual([]);
  });

  it('runs as a user, from pinned images, and gets the signals itself', () => {
    const images = [...text.matchAll(/^(?:FROM |COPY --from=)(\S+)/gm)].map(([, image]) => image!);
    expect(images.filter((image) => image !== 'build' && !/:.*\d/.test(image))).toEqual([]);
    expect(text).toMatch(/^USER (?!root)\w+$/m);
    expect(text).toContain('ENTRYPOINT ["doppel"]');
  });

  it('builds', { timeout: 3_600_000 }, ({ skip }) => {
    if (spawnSync('docker', ['info']).status !== 0) skip('no engine of containers runs here');
    if (process.env.DOPPEL_TEST_IMAGES === undefined) skip('building takes long: set DOPPEL_TEST_IMAGES=1');
    execFileSync('docker', ['build', '--file', file, '.'], { cwd: ROOT, stdio: 'inherit' });
  });
});
