/** Refusal of bands that a file does not have. Bands are counted from 0, as nowhere in GDAL: a message says so. */
import { UsageError } from '../errors.ts';

/** @throws UsageError for the first of the bands that a file does not have. */
export function requireBands(name: string, asked: readonly number[], bands: number): void {
  const absent = asked.find((band) => band >= bands);
  if (absent === undefined) return;
  throw new UsageError({
    ...{ action: `register ${name}`, expected: bands === 1 ? 'band 0, its only one' : `bands from 0 to ${bands - 1}` },
    found: `band ${absent} of a file with ${bands} band${bands === 1 ? '' : 's'}, counted from 0`,
    remedy: 'Name another by --sar-band or --optical-bands.',
  });
}
