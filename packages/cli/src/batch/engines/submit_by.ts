/** Hands a description to the program of a scheduler. */
import { UsageError } from '@doppel/core/errors';
import { runProcess } from '../../run_process.ts';

/** @returns what the program prints. @throws UsageError if it is not here, or refuses. */
export async function submitBy(program: string, words: readonly string[], input: string): Promise<string> {
  const { code, stdout, stderr } = await runProcess(program, words, { input: [input] });
  if (code === 0) return stdout.trim();
  throw new UsageError({
    action: `submit by ${program}`,
    expected: 'a scheduler that takes the tasks',
    found: code === 'ENOENT' ? `no ${program} on this machine` : stderr.trim() || `exit code ${code}`,
    remedy: 'Look at what is submitted with --dry-run.',
  });
}
