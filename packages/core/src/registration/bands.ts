/** Bands as settings name them, from 1, and as readers do, from 0. */
import { UsageError } from '../errors.ts';

/** @param asked counted from 1. @returns them counted from 0. @throws UsageError for the first that the file does not have. */
export function bandsIn(name: string, asked: readonly number[], bands: number): number[] {
  const absent = asked.find((band) => band < 1 || band > bands);
  if (absent === undefined) return asked.map((band) => band - 1);
  throw new UsageError({
    ...{ action: `register ${name}`, expected: bands === 1 ? 'band 1, its only one' : `bands from 1 to ${bands}` },
    found: `band ${absent} of a file with ${bands} band${bands === 1 ? '' : 's'}, counted from 1`,
    remedy: 'Name another by --sar-band or --optical-bands.',
  });
}
