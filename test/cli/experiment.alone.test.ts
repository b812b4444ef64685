import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import report from '../../packages/cli/src/commands/experiment/report.ts';
import run from '../../packages/cli/src/commands/experiment/run.ts';
import testModel from '../../packages/cli/src/commands/experiment/test.ts';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { UsageError } from '../../packages/core/src/errors.ts';
import { ARCHITECTURES } from '../../packages/core/src/matcher/architectures.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { planted } from '../core/matcher/planted_architecture.ts';
import { tinyCheckpoint } from '../server/tiny_model.mjs';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runCommand, runDoppel } from './run_command.ts';

let folder: string;
const at = (...path: string[]) => join(folder, ...path);

beforeAll(async () => {
  ARCHITECTURES.add(planted);
  await selectBackend({ requested: 'wasm' });
  folder = await mkdtemp(join(tmpdir(), 'doppel-experiment-'));
  await writeSyntheticDataset(new FileStore(), at('data'));
  const stage = '{epochs: 1, stepsPerEpoch: 2, batch: {positives: 2, negatives: 2}, validation: {positives: 2}}';
  const yaml = [
    `data: ${at('data')}`,
    'seeds: [1, 2]',
    'budgets: [1]',
    'matchers: [planted]',
    'arms: {random: {strategy: random}, loss: {strategy: loss}}',
    `base: ${stage}`,
    `tune: ${stage}`,
    'evaluation: {positives: 4, shifts: [8], resamples: 20, permutations: 20}',
  ];
  await writeFile(at('experiment.yaml'), yaml.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const doppelRun = (out: string, ...args: string[]) =>
  runCommand(run, ['--config', at('experiment.yaml'), '--out', at(out), '--backend', 'wasm', ...args]);

describe('doppel experiment', () => {
  test('runs in shards, which a report puts together', async () => {
    const first = await doppelRun('one', '--shard', '1/2', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ cells: 2, made: 2, kept: 0 });
    expect(first.log).toContainEqual(expect.stringMatching(/mirrored at the edge/));
    const second = await doppelRun('two', '--shard', '2/2');
    expect(second.stdout).toMatch(/2 cells run, 0 were there\nreport: doppel experiment report/);
    expect((await doppelRun('two', '--seeds', '2')).stdout).toMatch(/0 cells run, 2 were there/);

    const { stdout } = await runCommand(report, [at('one'), '--merge', at('two'), '--out', at('all'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ cells: 4, report: at('all/report.html') });
    expect((await readdir(at('all'))).sort()).toEqual(['plots', 'report.html', 'results.json']);
    const results = JSON.parse(await readFile(at('all/results.json'), 'utf8'));
    expect(results.groups[0].arms.map(({ arm, seeds }: { arm: string; seeds: number[] }) => [arm, seeds])).toEqual([
      ['random', [1, 2]],
      ['loss', [1, 2]],
    ]);
    expect(results.toBaseline).toHaveLength(3);
    expect(await readFile(at('all/report.html'), 'utf8')).toContain(results.conclusion[0].slice(0, 40));
  });

  test('runs as a batch, whose folder is that of an experiment', async () => {
    const batch = (...words: string[]) => runDoppel(['batch', ...words]);
    const plan = await batch('plan', 'experiment', at('experiment.yaml'), '--out', at('batch'), '--arms', 'random');
    expect(plan.stdout).toContain('2 items planned');
    expect((await batch('run', at('batch'), '--shard', '2/2', '--backend', 'wasm')).exitCode).toBe(0);
    expect((await batch('run', at('batch'), '--backend', 'wasm')).stdout).toContain('1 of 2 items done, 1 were there');
    expect((await batch('merge', at('batch'), '--json')).stdout).toContain('"done":2');
    const { stdout } = await runCommand(report, [at('batch'), '--out', at('batch-report'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ cells: 2 });
    await writeFile(at('other.yaml'), `${await readFile(at('experiment.yaml'), 'utf8')}\n# changed`);
    const run = batch('plan', 'experiment', at('experiment.yaml'), '--out', at('other'), '--config', at('other.yaml'));
    expect((await run).stdout).toContain('2 items planned');
    await writeFile(at('other.yaml'), await readFile(at('experiment.yaml'), 'utf8'));
    await expect(batch('run', at('other'), '--backend', 'wasm')).rejects.toThrow('the configuration of the plan');
  });

  test('stops at Ctrl-C with what is done, and refuses what cannot be meant', async () => {
    const controller = new AbortController();
    controller.abort();
    const args = ['--config', at('experiment.yaml'), '--out', at('cut'), '--backend', 'wasm'];
    const { exitCode, stdout } = await runCommand(run, args, controller.signal);
    expect([exitCode, stdout]).toEqual([130, expect.stringMatching(/interrupted; run the same command again/)]);
    await expect(doppelRun('cut', '--arms', 'random,best')).rejects.toThrow(UsageError);
    vi.stubEnv('OMPI_COMM_WORLD_SIZE', '2');
    await expect(doppelRun('cut', '--shard', '1/2')).rejects.toThrow(/found 2 that mpirun started.*same cells/);
    vi.unstubAllEnvs();
    await expect(doppelRun('cut', '--shard', '3/2')).rejects.toThrow(/--shard.*2\/5/);
    await expect(runCommand(report, [at('cut')])).rejects.toThrow(/at least one cell.*doppel experiment run/);
  });
});

describe('doppel experiment test', () => {
  const measure = (...args: string[]) =>
    runCommand(testModel, [
      '--model',
      at('tiny'),
      '--data',
      at('data'),
      '--backend',
      'wasm',
      '--resamples',
      '20',
      ...args,
    ]);

  test('measures one matcher on every set, and says what it could not make real', async () => {
    await writeFile(at('tiny'), tinyCheckpoint());
    const { stdout, log } = await measure('--shift', '8', '--json');
    const { sets, positives, mirrored } = JSON.parse(stdout);
    expect(Object.keys(sets)).toEqual(['shuffled', 'look-alikes', 'shift-8']);
    expect(mirrored).toBe(positives);
    expect(log).toContainEqual(`${positives} shifted patches are mirrored at the edge: they have no neighbour there`);
    for (const { auc } of Object.values<{ auc: { mean: number } }>(sets)) {
      expect(auc.mean).toBeGreaterThanOrEqual(0);
      expect(auc.mean).toBeLessThanOrEqual(1);
    }
    expect((await measure()).stdout).toMatch(/true pairs of \d+ places \(test\), raw alignment\n.*\nshuffled/);
  });

  test('asks for an alignment where repaired places are wanted', async () => {
    await expect(measure('--alignment', 'repaired')).rejects.toThrow(/alignment.json/);
  });
});
