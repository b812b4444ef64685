/** Flags that `doppel register` and `doppel register batch` share. */
import { nameOf, openModel } from '@doppel/core';
import { outputOptions, outputSettings, type PairTask, type PairTools, settingsOf } from '@doppel/core/registration';
import { registrationHtml } from '@doppel/report';
import { COMPUTE_FLAGS, type Context } from '../../context.ts';
import { type Values, yes } from '../../flags.ts';
import { MODEL_FLAG } from '../../model_flag.ts';
import { changedFlags, SETTINGS_FLAGS } from './settings_flags.ts';

const { datetime, ...shape } = outputSettings.shape;

export const OUTPUT_FLAGS = {
  align: shape.align.meta({ description: 'Scene that is resampled onto the other; none: no aligned scene' }),
  resampling: shape.resampling.meta({ description: 'Interpolation of the aligned scene' }),
  lattice: shape.lattice.meta({
    description: 'Pixels of the aligned scene: its size snapped to those of the other, those of the other, its own',
  }),
  geotransformOnly: shape.geotransformOnly.meta({
    description: 'Leave pixels alone: correct only the geotransform of the aligned scene',
  }),
};

/** Acquisition time of the aligned scene: of one pair, not of many. */
export const DATETIME_FLAG = datetime.meta({
  hint: 'time',
  description: 'Acquisition time of the aligned scene, for its STAC item; default: what its file or its name says',
  expected: 'a time as 2020-11-04T10:12:00Z',
});

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
export function taskFrom(
  values: PairValues & { datetime?: string | undefined },
): Omit<PairTask, 'sar' | 'optical' | 'out'> {
  return {
    settings: settingsOf(values),
    outputs: outputOptions(values),
    changed: changedFlags(values),
    asNamed: values.asNamed,
  };
}

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
