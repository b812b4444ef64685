/** The loop of a run: saving in time, stopping between two steps, and failures that are no stop. */
import { describe, expect, it } from 'vitest';
import { runToEnd, type Trainee } from '../../../packages/core/src/runs/resumable_run.ts';

/** Counts to a number; `saved` and `lines` tell what was written. */
function counter(end: number, more: Partial<Trainee> = {}) {
  const run = { done: 0, saved: [] as number[], lines: [] as string[] };
  const trainee: Trainee = {
    folder: { log: async (line) => void run.lines.push(line) },
    saveEveryMinutes: 60,
    isDone: () => run.done >= end,
    async advance() {
      run.done++;
    },
    async save() {
      run.saved.push(run.done);
    },
    position: () => `step ${run.done}`,
    summary: () => `${run.done} steps`,
    ...more,
  };
  return { run, trainee };
}

describe('runToEnd', () => {
  it('runs to the end, and leaves saving to the trainee until time is up', async () => {
    const { run, trainee } = counter(3);
    expect(await runToEnd(trainee, undefined)).toBe(true);
    expect(run).toEqual({ done: 3, saved: [], lines: ['done: 3 steps'] });
  });

  it('saves after each step where time is always up', async () => {
    const { run, trainee } = counter(3, { saveEveryMinutes: 0 });
    await runToEnd(trainee, undefined);
    expect(run.saved).toEqual([1, 2, 3]);
  });

  it('stops before the next step, saves, and says where', async () => {
    const controller = new AbortController();
    const { run, trainee } = counter(9);
    const advance = async () => {
      if (++run.done === 4) controller.abort();
    };
    expect(await runToEnd({ ...trainee, advance }, controller.signal)).toBe(false);
    expect(run).toEqual({ done: 4, saved: [4], lines: ['stopped at step 4'] });
  });

  it('passes on a failure without saving over the state before', async () => {
    const controller = new AbortController();
    const advance = async () => {
      controller.abort();
      throw new Error('the disk is full');
    };
    const { run, trainee } = counter(2, { advance });
    await expect(runToEnd(trainee, controller.signal)).rejects.toThrow('the disk is full');
    expect(run.saved).toEqual([]);
  });
});
