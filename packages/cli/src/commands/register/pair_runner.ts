/** Means that register the pairs of a batch: in this process one after the other, or by processes side by side. */
import { fileURLToPath } from 'node:url';
import { registerPair, type Summary, settingText } from '@doppel/core/registration';
import type { Context } from '../../context.ts';
import { kebab } from '../../flags.ts';
import type { Watch } from '../../work.ts';
import { PAIR_FLAGS, type PairValues, taskFrom, withTools } from './pair_flags.ts';
import type { ListedPair } from './pair_list.ts';
import { runProcess } from './run_process.ts';

/** Registers one pair into a folder. */
export type RunPair = (pair: ListedPair, out: string, watch: Watch) => Promise<Summary>;

/** Program of a process of its own; undefined where the sources run uncompiled. */
const MAIN = import.meta.url.endsWith('.ts') ? undefined : fileURLToPath(new URL('../../main.js', import.meta.url));

export async function withRunner<T>(
  context: Context,
  values: PairValues & { jobs: number },
  work: (run: RunPair) => Promise<T>,
): Promise<T> {
  if (values.jobs > 1 && MAIN !== undefined) return work(runnerOf(MAIN, values));
  return withTools(context, values, (tools) =>
    work(async ({ sar, optical }, out, watch) => {
      const quiet = { ...watch, onProgress: () => {}, onPhase: () => {} };
      return (await registerPair(tools, { ...taskFrom(values), sar, optical, out }, quiet)).summary;
    }),
  );
}

const runnerOf =
  (main: string, values: PairValues): RunPair =>
  async ({ sar, optical }, out, { signal }) => {
    const words = [main, 'register', '--sar', sar, '--optical', optical, '--out', out, ...wordsOf(values), '--json'];
    const { code, stdout, stderr } = await runProcess(process.execPath, words, { signal });
    if (stdout.trim().startsWith('{')) return JSON.parse(stdout) as Summary;
    const message = stderr
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^error: /, '');
    throw new Error(message || `the process ended with ${code}`);
  };

/** The values of flags as they are typed. */
export function wordsOf(values: PairValues): string[] {
  return Object.keys(PAIR_FLAGS).flatMap((name) => {
    const value = (values as Record<string, unknown>)[name];
    if (value === undefined || value === false || name === 'force') return [];
    return value === true ? [`--${kebab(name)}`] : [`--${kebab(name)}=${settingText(value)}`];
  });
}
