/** What nvcc makes of the convolutions, by scripts/check_cuda.mjs; and that the script finds what it is there for. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '@doppel/native-cuda';
import { describe, expect, it } from 'vitest';
import { nvcc } from './emulator/build.ts';

const script = fileURLToPath(new URL('../../packages/native-cuda/scripts/check_cuda.mjs', import.meta.url));
const planted = fileURLToPath(new URL('planted_resources.cu', import.meta.url));
const compiling = 600_000;
/** `npm test -- --all` checks every architecture, `npm test` the one that it builds. */
const architectures = process.env.DOPPEL_TEST_ALL ? ['80', '86', '89', '90', '100'] : ['90'];

interface Check {
  rows: { kernel: string; architecture: string; spills: number; hmma: number }[];
  faults: string[];
}

function check(...files: string[]): Check & { status: number | null } {
  const env = { ...process.env, CUDACXX: nvcc };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [script, '--json', '--one', '--architectures', architectures.join(), ...files],
    {
      encoding: 'utf8',
      env,
    },
  );
  if (!stdout) throw new Error(stderr);
  return { status, ...(JSON.parse(stdout) as Check) };
}

function once<T>(work: () => T): () => T {
  let result: { value: T } | undefined;
  return () => {
    result ??= { value: work() };
    return result.value;
  };
}

describe.skipIf(!nvcc)(nvcc ? 'kernels by nvcc' : 'kernels by nvcc (skipped: nvcc was not found)', () => {
  it('spill nothing, use tensor cores where they say so, and fit as often as they say', { timeout: compiling }, () => {
    const { status, rows, faults } = check();
    expect(faults).toEqual([]);
    expect(status).toBe(0);
    expect([...new Set(rows.map(({ architecture }) => architecture))].sort()).toEqual([...architectures].sort());
    for (const kernel of ['gemm_fp32_kernel', 'gemm_tf32_kernel', 'gemm_bf16_kernel', 'conv2d_few_kernel']) {
      expect(rows.filter((row) => row.kernel === kernel).length, kernel).toBeGreaterThanOrEqual(architectures.length);
    }
  });

  const ofPlanted = once(() => check(planted));
  it.each([
    ['greedy_kernel', /spills/],
    ['fake_tf32_kernel', /no tensor-core instruction/],
    ['wide_kernel', /blocks fit on a multiprocessor, its comment says 8/],
  ])('finds the fault planted in %s', { timeout: compiling }, (kernel, what) => {
    const { status, faults } = ofPlanted();
    expect(status).toBe(1);
    expect(faults.filter((fault) => fault.includes(kernel) && what.test(fault))).toHaveLength(architectures.length);
  });

  it('are in the addon that the tests build', () => {
    const loaded = loadAddon();
    if (!loaded.available) throw new Error(loaded.reason);
    expect(loaded.addon.cards().backend).toBe('cuda');
  });
});
