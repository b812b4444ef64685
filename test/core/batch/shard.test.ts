/** Shards: every item in one, and the one that a scheduler means. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseShard, rangeOf, shardFrom } from '../../../packages/core/src/batch/shard.ts';
import { UsageError } from '../../../packages/core/src/errors.ts';

describe('shards', () => {
  it('share out every item once, evenly', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 1000 }), (items, of) => {
        const ranges = Array.from({ length: of }, (_, i) => rangeOf({ index: i + 1, of }, items));
        expect(ranges.map(([from]) => from)).toEqual([0, ...ranges.slice(0, -1).map(([, to]) => to)]);
        expect(ranges.at(-1)![1]).toBe(items);
        const sizes = ranges.map(([from, to]) => to - from);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('are typed as INDEX/COUNT', () => {
    expect(parseShard('2/5')).toEqual({ index: 2, of: 5 });
    for (const text of ['0/5', '6/5', 'two', '1/']) expect(() => parseShard(text)).toThrow(UsageError);
  });
});

describe('the shard of a task', () => {
  const slurm = (id: number, min: number, count: number, step: number) => ({
    SLURM_ARRAY_TASK_ID: `${id}`,
    SLURM_ARRAY_TASK_MIN: `${min}`,
    SLURM_ARRAY_TASK_COUNT: `${count}`,
    SLURM_ARRAY_TASK_STEP: `${step}`,
  });
  const mpi = (rank: number, size: number) => ({ OMPI_COMM_WORLD_RANK: `${rank}`, OMPI_COMM_WORLD_SIZE: `${size}` });

  it('is that of an array of Slurm, wherever it begins and however it steps', () => {
    expect(shardFrom(slurm(0, 0, 4, 1))).toEqual({ index: 1, of: 4 });
    expect(shardFrom(slurm(4, 1, 4, 1))).toEqual({ index: 4, of: 4 });
    expect(shardFrom(slurm(20, 10, 3, 5))).toEqual({ index: 3, of: 3 });
  });

  it('is that of an Indexed Job, of ranks, or of ranks within a task', () => {
    expect(shardFrom({ JOB_COMPLETION_INDEX: '3' }, 8)).toEqual({ index: 4, of: 8 });
    expect(shardFrom(mpi(1, 2))).toEqual({ index: 2, of: 2 });
    expect(shardFrom({ ...slurm(3, 1, 4, 1), ...mpi(1, 2) })).toEqual({ index: 6, of: 8 });
    const step = { SLURM_PROCID: '2', SLURM_STEP_NUM_TASKS: '4' };
    expect(shardFrom(step)).toEqual({ index: 3, of: 4 });
    expect(shardFrom({ ...step, PMI_RANK: '0', PMI_SIZE: '2' })).toEqual({ index: 1, of: 2 });
    expect(shardFrom({ ...step, PMI_RANK: '0', PMI_SIZE: '2', ...mpi(2, 3) })).toEqual({ index: 3, of: 3 });
    expect(shardFrom({ ...slurm(3, 1, 4, 1), ...step })).toEqual({ index: 11, of: 16 });
    expect(shardFrom({ SLURM_PROCID: '0', SLURM_NTASKS: '8' })).toEqual({ index: 1, of: 1 }); // the script of a job
    expect(() => shardFrom({ PMI_RANK: '4', PMI_SIZE: '4' })).toThrow('PMI_RANK below PMI_SIZE');
    expect(shardFrom({})).toEqual({ index: 1, of: 1 });
  });

  it('is not guessed', () => {
    expect(() => shardFrom({ JOB_COMPLETION_INDEX: '3' })).toThrow('Name the shard by --shard');
    expect(() => shardFrom({ JOB_COMPLETION_INDEX: '3' }, 3)).toThrow(UsageError);
    expect(() => shardFrom(slurm(6, 1, 3, 2))).toThrow('a regular array');
    expect(() => shardFrom({ SLURM_ARRAY_TASK_ID: '1' })).toThrow(UsageError);
  });
});
