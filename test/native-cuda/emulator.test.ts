/**
 * The emulator of CUDA: what correct kernels compute on it, and that it finds each fault that is planted. The cases are C++,
 * in the folder emulator/; here is the list of them, so that none drops out unseen.
 */
import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildEmulator, compileForCards, hostCompiler, nvcc } from './emulator/build.ts';

const features = [
  'numbers the threads of a grid',
  'sums within a block',
  'transposes through a tile',
  'sums within a warp by shuffles',
  'exchanges within a warp by __syncwarp',
  'exchanges within half a warp',
  'counts by atomics',
  'sums by the last block that arrives',
  'loads and stores four at a time',
  'multiplies in TF32',
  'multiplies in bf16',
  'rounds to TF32',
  'rounds to bf16',
  'copies asynchronously through a ring',
  'votes',
  'runs in all orders',
  'copies on the device',
  'counts the memory in use',
  'records a stream and replays it',
];

const faults = [
  'a read past the end of a view',
  'a write past the end of a view',
  'a read before the start of a view',
  'a wide read that ends past the view',
  'a wide read between two multiples',
  'a write past a shared array',
  'a read past a shared array',
  'a read of global memory that nobody wrote',
  'a read of the part of a buffer that nobody wrote',
  'a read of shared memory that nobody wrote',
  'a count from nothing',
  'a result with a hole',
  'a view that outlives its buffer',
  'a write to a buffer that was given back',
  'a buffer freed twice',
  "a view of the host's memory",
  'a view that starts between two elements',
  'a view larger than its buffer',
  'more shared memory than a block has',
  'a block of too many threads',
  'a grid without a block',
  'memory taken while a stream is captured',
  'a read while a stream is captured',
  'a wait while a stream is captured',
  'a read of a part of a block that a replay gave back',
  'a grid too high',
  'a thread that returns before a barrier',
  'a barrier in a branch',
  'a barrier in each branch',
  'a shuffle that half of its lanes reach',
  'a shuffle in each branch',
  'a lane that its own mask leaves out',
  'a shuffle from a lane that has ended',
  'a shuffle from past the end of the block',
  'tensor cores without a full warp',
  'a reduction without barriers',
  'two writes of one element',
  'a write over what others still read',
  'a warp that is trusted to go in step',
  'a __syncwarp of too few lanes',
  'a shuffle that is trusted to order memory',
  'a read of what others still count',
  'a count of what others still read',
  'a count from a value too new',
  'a write over what others count',
  'a read of what a neighbour writes to global memory',
  'a __syncwarp between two warps',
  'a read of what another block writes',
  'a write over what another block writes',
  'a last block without a fence',
  'a copy that is not waited for',
  'a read of what a copy replaces',
  'a count where a copy lands',
  'a copy that is not committed',
  'a wait for too few groups',
  'a wait without a barrier',
  'a copy over what others still read',
  'a write where a copy lands',
  'a copy from past the end',
  'a misaligned copy',
  'tensor cores on unrounded numbers',
  'a sum of floats by atomics',
];

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

const compiling = 600_000;
const title = (text: string, found: string | undefined, program: string) =>
  found ? text : `${text} (skipped: ${program} was not found)`;

describe.skipIf(!hostCompiler)(title('the emulator of CUDA', hostCompiler, 'a C++ compiler'), () => {
  let outcomes: readonly Outcome[] = [];

  beforeAll(async () => {
    const { stdout, stderr, signal } = spawnSync(await buildEmulator(), { encoding: 'utf8' });
    if (signal) throw new Error(`The emulator's cases ended by ${signal} after these:\n${stdout}${stderr}`);
    outcomes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }, compiling);

  function expectPassed(name: string) {
    const outcome = outcomes.find((each) => each.name === name);
    expect(outcome, `the case "${name}" did not run`).toBeDefined();
    expect(outcome?.ok, outcome?.text).toBe(true);
  }

  it('runs the cases that are listed here, no more and no less', () => {
    expect(outcomes.map(({ name }) => name)).toEqual([...features, ...faults]);
  });

  it.each(features)('%s', expectPassed);

  describe('finds', () => {
    it.each(faults)('%s', expectPassed);
  });
});

describe.skipIf(!nvcc)(title('the same kernels', nvcc, 'nvcc'), () => {
  it('compile for cards without a warning', { timeout: compiling }, async () => {
    expect(await compileForCards()).toEqual(['faulty.cu', 'kernels.cu']);
  });
});
