/** Training in processes that mpirun starts: the same as in one, again bit for bit, resumed, stopped and broken. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Checkpoint, readCheckpoint } from '../../packages/core/src/matcher/checkpoint.ts';
import { loadMpi } from '../../packages/native-cuda/src/mpi.ts';
import { doppel, type Ended, MAIN, reasonToSkip, runProgram, until } from './engines.ts';
import { ENV, RANKS, SMALL, smallRuns } from './small_runs.ts';

const mpi = loadMpi();
const reason = reasonToSkip('mpirun') ?? (mpi.available ? undefined : mpi.reason);
const { at, words, last, started, ranksOf } = smallRuns(reason === undefined);
beforeAll(() => {
  if (reason === undefined) writeFileSync(at('dense.yaml'), `${DENSE}${SMALL}`);
});
const DENSE = 'preset: dense\nmatcher: {width: 8}\nlocalisation: {search: 12}\n';
const mpirun = (n: number, given: readonly string[]): Promise<Ended> =>
  runProgram('mpirun', [...RANKS, '-n', String(n), process.execPath, MAIN, ...given], ENV);
const checkpointOf = (run: string): Checkpoint => readCheckpoint(last(run), run);
const log = (run: string) => readFileSync(at(run, 'log.txt'), 'utf8');

/** Largest difference of the gradients' moving means after a step, by the largest of each tensor. */
function difference(a: Checkpoint, b: Checkpoint): number {
  const differences = [...a.resume!.first].map(([name, { data }]) => {
    const other = b.resume!.first.get(name)!.data;
    const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
    return data.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0) / scale;
  });
  return Math.max(...differences);
}

/** Environment in which each process writes its id, and its exit code, into a folder: mpirun ends with one of its own. */
function writingCodes(folder: string): NodeJS.ProcessEnv {
  const hook = join(folder, 'hook.mjs');
  const lines = [
    "import { writeFileSync } from 'node:fs';",
    'const rank = process.env.OMPI_COMM_WORLD_RANK;',
    `const note = (name, text) => writeFileSync(\`${folder}/\${name}-\${rank}\`, String(text));`,
    "if (rank !== undefined) note('pid', process.pid);",
    "if (rank !== undefined) process.on('exit', (code) => note('code', code));",
  ];
  writeFileSync(hook, lines.join('\n'));
  return { NODE_OPTIONS: `--import ${hook}` };
}

describe('two processes', { timeout: 600_000 }, () => {
  it('train as one does, and again bit for bit', async ({ skip }) => {
    if (reason) skip(reason);
    const step = ['--max-steps', '1', '--epochs', '1'];
    const one = await doppel(words('one', ...step), ENV);
    expect(one.code, one.stderr).toBe(0);
    for (const n of [2, 3]) {
      const { code, stderr } = await mpirun(n, words(`step-${n}`, ...step));
      expect(code, stderr).toBe(0);
      expect(difference(checkpointOf('one'), checkpointOf(`step-${n}`)), `${n}`).toBeLessThan(1e-3);
    }
    const two = await mpirun(2, words('two'));
    expect(two.code, two.stderr).toBe(0);
    expect(two.stdout.match(/checkpoint:/g), 'one process speaks').toHaveLength(1);
    expect(two.stderr.match(/backend: native/g)).toHaveLength(2); // the choice, and the log
    expect(log('two')).toContain('2 processes: statistics synchronised');
    await mpirun(2, words('again'));
    expect(last('again').equals(last('two'))).toBe(true);
  });

  it('find templates in windows as one does', async ({ skip }) => {
    if (reason) skip(reason);
    const words = (run: string) => [
      ...[
        'train',
        at('data'),
        '--config',
        at('dense.yaml'),
        '--out',
        at(run),
        '--backend',
        'native',
        '--max-steps',
        '1',
      ],
    ];
    expect((await doppel(words('dense'), ENV)).code).toBe(0);
    const two = await mpirun(2, words('dense-2'));
    expect(two.code, two.stderr).toBe(0);
    expect(log('dense-2')).toContain('matrix gathered');
    expect(difference(checkpointOf('dense'), checkpointOf('dense-2'))).toBeLessThan(5e-3);
  });

  it('resume bit for bit, and in another number', async ({ skip }) => {
    if (reason) skip(reason);
    // A run of one epoch, continued to two.
    expect((await mpirun(2, words('part', '--epochs', '1'))).code).toBe(0);
    expect((await mpirun(2, ['train', '--resume', at('part'), '--epochs', '2', '--backend', 'native'])).code).toBe(0);
    const [part, whole] = [checkpointOf('part'), checkpointOf('two')];
    for (const [name, { data }] of whole.tensors) expect(part.tensors.get(name)!.data, name).toEqual(data);
    expect((await mpirun(3, ['train', '--resume', at('part'), '--epochs', '3', '--backend', 'native'])).code).toBe(0);
    expect(log('part')).toContain('3 processes');
  });

  it('are refused where their settings or backends differ', async ({ skip }) => {
    if (reason) skip(reason);
    const each = (...more: string[]) => [process.execPath, MAIN, ...words('unlike').slice(0, -2), ...more];
    const pair = (one: string[], other: string[]) =>
      runProgram('mpirun', [...RANKS, '-n', '1', ...each(...one), ':', '-n', '1', ...each(...other)], ENV);
    const epochs = await pair(['--backend', 'native'], ['--backend', 'native', '--epochs', '3']);
    expect(epochs.code).toBe(2);
    expect(epochs.stderr).toContain('expected the same epochs in all, found 2 in process 0 and 3 in process 1');
    const backends = await pair(['--backend', 'wasm'], ['--backend', 'native']);
    expect(backends.stderr).toContain('expected the same backend in all, found "wasm" in process 0 and "native"');
    expect(existsSync(at('unlike')), 'a folder of a run that never was').toBe(false);
  });

  it('save and stop together when one is asked to', async ({ skip }) => {
    if (reason) skip(reason);
    const ended = started(['mpirun', ...RANKS, '-n', '2'], words('stopped', '--epochs', '500'));
    await until(() => existsSync(at('stopped', 'metrics.csv')));
    process.kill((await ranksOf('stopped'))[1]!, 'SIGTERM');
    const { code, stdout } = await ended;
    expect(stdout).toContain('stopped and saved');
    expect(code).toBe(130);
    expect(log('stopped')).toMatch(/stopped at step/);
    expect((await ranksOf('stopped')).length).toBe(0);
  });

  it.for([0, 1])('all end when process %i is killed, with the reason, and the run goes on', async (k, { skip }) => {
    if (reason) skip(reason);
    const run = `lost-${k}`;
    const codes = at(`codes-${k}`);
    mkdirSync(codes);
    const ended = started(['mpirun', ...RANKS, '-n', '2'], words(run, '--epochs', '500'), writingCodes(codes));
    await until(() => existsSync(at(run, 'metrics.csv')));
    expect(await ranksOf(run)).toHaveLength(2);
    const from = Date.now();
    process.kill(Number(readFileSync(join(codes, `pid-${k}`), 'utf8')), 'SIGKILL');
    const { stderr } = await ended;
    expect(Date.now() - from).toBeLessThan(20_000);
    expect(stderr).toMatch(new RegExp(`process ${k} .*is gone`));
    expect(readFileSync(join(codes, `code-${1 - k}`), 'utf8'), 'exit code of the other').toBe('75');
    expect(await ranksOf(run)).toEqual([]);
    const resumed = await doppel(['train', '--resume', at(run), '--epochs', '1', '--backend', 'native'], ENV);
    expect(resumed.stderr).toContain('resumed at');
  });
});
