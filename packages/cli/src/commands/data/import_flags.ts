/** Flags that all imports share, and what they mean. */

import { UsageError } from '@doppel/core';
import { UNITS, type Unit } from '@doppel/core/raster';
import type { ArgsDef } from 'citty';
import { numberFlag } from '../../command.ts';

export const OUT_FLAGS = {
  out: { type: 'string', required: true, valueHint: 'folder', description: 'Folder of the data set, made anew' },
  force: { type: 'boolean', description: 'Replace the data set that is there' },
  maxNoData: { type: 'string', valueHint: '0', description: 'Share of missing pixels up to which a patch is kept' },
  attribution: {
    type: 'string',
    valueHint: 'text',
    description: 'Whose data these are; default: a file ATTRIBUTION beside them',
  },
} as const satisfies ArgsDef;

export const SAMPLE_FLAGS = {
  unit: {
    type: 'string',
    valueHint: 'unit',
    description: `Of the SAR samples: ${UNITS.join(', ')}; default: as the file says`,
  },
  opticalUnit: { type: 'string', valueHint: 'unit', description: 'Of the optical samples' },
  sarBand: { type: 'string', valueHint: 'n', description: 'SAR band, from 1; needed where there are several' },
  opticalBands: { type: 'string', valueHint: 'r,g,b', description: 'One band, or red, green and blue, from 1' },
} as const satisfies ArgsDef;

/** Values of `SAMPLE_FLAGS`, as typed. */
export interface SampleFlags {
  unit?: string | undefined;
  opticalUnit?: string | undefined;
  sarBand?: string | undefined;
  opticalBands?: string | undefined;
}

export interface SampleOptions {
  unit: Unit | undefined;
  opticalUnit: Unit | undefined;
  /** Counted from 0. */
  sarBand: number | undefined;
  opticalBands: number[] | undefined;
}

/** @throws UsageError */
export function sampleOptions(flags: SampleFlags): SampleOptions {
  const sarBand = numberFlag('sar-band', flags.sarBand, { min: 1, integer: true });
  return {
    unit: unitFlag('unit', flags.unit),
    opticalUnit: unitFlag('optical-unit', flags.opticalUnit),
    sarBand: sarBand === undefined ? undefined : sarBand - 1,
    opticalBands: bandsFlag(flags.opticalBands),
  };
}

/** @throws UsageError where it is no share. */
export const maxNoDataFlag = (text: string | undefined): number =>
  numberFlag('max-no-data', text, { min: 0, max: 1 }) ?? 0;

function unitFlag(flag: string, text: string | undefined): Unit | undefined {
  const unit = UNITS.find((each) => each.toLowerCase() === text?.toLowerCase().replace('-', ' '));
  if (text === undefined || unit) return unit;
  throw new UsageError({ action: `use --${flag}`, expected: `one of ${UNITS.join(', ')}`, found: `"${text}"` });
}

function bandsFlag(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const bands = text.split(',').map(Number);
  const isUsable =
    (bands.length === 1 || bands.length === 3) && bands.every((band) => Number.isInteger(band) && band >= 1);
  if (isUsable) return bands.map((band) => band - 1);
  throw new UsageError({
    ...{ action: 'use --optical-bands', expected: 'one band, or three, from 1: 4,3,2', found: `"${text}"` },
  });
}

/** A pattern. @throws UsageError where it is none, or captures nothing though it must. */
export function patternFlag(flag: string, text: string | undefined, needsGroup: boolean): RegExp | undefined {
  if (text === undefined) return undefined;
  const fail = (found: string, cause?: unknown) =>
    new UsageError({
      ...{ action: `use --${flag}`, found, cause },
      expected: needsGroup ? 'a regular expression with a group, such as "(.*)_vv.tif"' : 'a regular expression',
    });
  let pattern: RegExp;
  try {
    pattern = new RegExp(text);
  } catch (cause) {
    throw fail(`"${text}"`, cause);
  }
  const groups = (new RegExp(`${text}|`).exec('')?.length ?? 1) - 1;
  if (needsGroup && groups === 0) throw fail(`"${text}", which has none`);
  return pattern;
}
