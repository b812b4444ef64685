import { describe, expect, it } from 'vitest';
import { command } from '../../packages/cli/src/command.ts';
import { createContext } from '../../packages/cli/src/context.ts';
import { Interrupted } from '../../packages/cli/src/outcome.ts';
import type { WorkPlan } from '../../packages/cli/src/work.ts';

function make(signal = new AbortController().signal, asked: object[] = []) {
  const written: string[] = [];
  const terminal = { isTTY: false, write: (text: string) => written.push(text) > 0 };
  const loaders = async (options?: object) => {
    asked.push(options ?? {});
    return [];
  };
  return { context: createContext(signal, loaders, terminal), written, asked };
}

const plan: WorkPlan = { label: 'counting', unit: 'sheep' };

describe('context.work', () => {
  it('returns what the work returns, and writes where it stands', async () => {
    const { context, written } = make();
    const result = await context.work(plan, async ({ onProgress, onLog }) => {
      onProgress(1, 4, 'note');
      onLog('half time');
      onProgress(4, 4);
      return 'done';
    });
    expect(result).toBe('done');
    expect(written).toEqual([
      'counting: 1/4 sheep note', // no rate yet
      expect.stringMatching(/^\n$/),
      'half time\n',
      expect.stringMatching(/^counting: 4\/4 sheep/),
      '\n',
    ]);
  });

  it('begins a bar of its own for each phase', async () => {
    const { context, written } = make();
    await context.work(plan, async ({ onProgress, onPhase }) => {
      onPhase('first');
      onProgress(2, 2);
      onPhase('first');
      onPhase('second');
      onProgress(3, 3);
    });
    expect(written.filter((line) => line !== '\n').map((line) => line.split(',')[0])).toEqual([
      'first: 2/2 sheep',
      'second: 3/3 sheep',
    ]);
  });

  it('makes an interruption the outcome, with exit code 130', async () => {
    const { context } = make(AbortSignal.abort());
    const stopped = command({
      ...{ name: 'doppel x', flags: {}, examples: [] },
      run: async () =>
        context.work(
          { ...plan, interrupted: { json: { cache: 'c' } } },
          async ({ signal }) => signal.throwIfAborted() as never,
        ),
    });
    expect(await stopped.run([], context)).toEqual({
      json: { interrupted: true, cache: 'c' },
      ...{ text: 'interrupted; nothing was written', exitCode: 130 },
    });
  });

  it('lets a failure through, also after Ctrl-C', async () => {
    const { context } = make(AbortSignal.abort());
    const work = context.work(plan, async () => {
      throw new TypeError('a full disk');
    });
    await expect(work).rejects.toThrow(TypeError);
    await expect(work).rejects.not.toBeInstanceOf(Interrupted);
  });
});

it('the backend gets its options as arguments, not through the environment', async () => {
  const { context, asked } = make();
  const before = { ...process.env };
  const { name } = await context.selectBackend({ backend: 'cpu', precision: 'fp32', threads: 2, isa: 'avx2' });
  expect([name, asked]).toEqual(['cpu', [{ precision: 'fp32', threads: 2, isa: 'avx2' }]]);
  expect(process.env).toEqual(before);
});
