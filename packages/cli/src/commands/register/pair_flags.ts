/** Flags that `doppel register` and `doppel register batch` share. */
import { nameOf, openModel } from '@doppel/core';
import {
  LATTICES,
  type OutputOptions,
  type PairTask,
  type PairTools,
  RESAMPLINGS,
  SIDES,
  settingsOf,
} from '@doppel/core/registration';
import { registrationHtml } from '@doppel/report';
import { COMPUTE_FLAGS, type Context } from '../../context.ts';
import { choice, type Values, yes } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { changedFlags, SETTINGS_FLAGS } from './settings_flags.ts';

export const OUTPUT_FLAGS = {
  align: choice([...SIDES, 'none'], 'Scene that is resampled onto the other; none: no aligned scene').default(
    'optical',
  ),
  resampling: choice(RESAMPLINGS, 'Interpolation of the aligned scene').default('bicubic'),
  lattice: choice(
    LATTICES,
    'Pixels of the aligned scene: its size snapped to those of the other, those of the other, its own',
  ).default('snapped'),
  geotransformOnly: yes('Leave pixels alone: correct only the geotransform of the aligned scene'),
};

export const PAIR_FLAGS = {
  ...MODEL_FLAG,
  ...OUTPUT_FLAGS,
  asNamed: yes('Take the scenes as named, even if they look swapped'),
  force: yes('Replace the output folder if it holds something'),
  ...SETTINGS_FLAGS,
  ...COMPUTE_FLAGS,
};
export type PairValues = Values<typeof PAIR_FLAGS>;

/** Task without its files: the part that all pairs of a command share. */
export function taskFrom(values: PairValues): Omit<PairTask, 'sar' | 'optical' | 'out'> {
  return {
    settings: settingsOf(values),
    outputs: outputsFrom(values),
    changed: changedFlags(values),
    asNamed: values.asNamed,
  };
}

const outputsFrom = ({ align, resampling, lattice, geotransformOnly, sarUnit }: PairValues): OutputOptions => ({
  ...(align === 'none' ? { alignedScene: false } : { align }),
  ...{ resampling, lattice, geotransformOnly, sar: { unit: sarUnit } },
});

type ToolValues = Pick<PairValues, 'features' | 'model' | 'backend' | 'precision'>;

/** Opens a backend and, where features of a matcher are compared, the matcher. */
export async function openTools(context: Context, values: ToolValues): Promise<PairTools> {
  const backend = await context.selectBackend(values);
  const model = values.features === 'gradients' ? undefined : await openModel(context.store, values.model);
  const { store } = context;
  return { store, model, modelName: nameOf(values.model), backend, reportHtml: registrationHtml };
}

/** Runs work with them. */
export async function withTools<T>(
  context: Context,
  values: ToolValues,
  run: (tools: PairTools) => Promise<T>,
): Promise<T> {
  const tools = await openTools(context, values);
  try {
    return await run(tools);
  } finally {
    tools.model?.dispose();
  }
}
