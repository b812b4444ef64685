/** The place of a plan's work: its settings, on the machine that does it. */
import type { Plan } from '@doppel/core/batch';
import type { ComputeOptions, Context } from '../context.ts';
import { text } from '../flags.ts';
import { type Place, settledModel } from './kind.ts';

/** Flags that say where data and model are on this machine. */
export const PLACE_FLAGS = {
  data: text('folder', 'Folder of the manifest here, if the data lie elsewhere than when the plan was made').optional(),
  model: text('model', 'The model of the plan, if it lies elsewhere here').optional(),
};

/** Settings that may differ from the plan's; default: as there. */
export interface OwnPlace {
  compute: ComputeOptions;
  /** Folder of results. */
  results?: string | undefined;
  /** Folder of relative paths. */
  data?: string | undefined;
  model?: string | undefined;
}

export function placeOf(plan: Plan, { compute, results, data, model }: OwnPlace, context: Context) {
  const { settings, tools, root } = plan.header;
  return {
    ...{ context, compute, tools, root: data ?? root, results: results ?? plan.folder },
    settings: { ...settings, ...(model !== undefined && { model: settledModel(model) }) },
  } satisfies Place<Record<string, unknown>>;
}
