/**
 * Settings that the first stage of a group follows from, kept as a hash beside its run: `base/GROUP.json`. A first stage
 * is resumed, and its weights are used again, only under the same ones.
 */
import { joinPath, readText, type Store, UsageError } from '@doppel/core';
import { sha256 } from '@doppel/core/base';
import type { Dataset } from '@doppel/core/dataset';
import type { Normalisation } from '@doppel/core/prepare';
import { z } from 'zod';
import { type ExperimentConfig, stagesOf } from './config.ts';
import { type CellGroup, groupName } from './plan.ts';

const fileSchema = z.looseObject({ doppel: z.literal('experiment-base'), settings: z.string() });

export interface BaseTask {
  store: Store;
  /** Folder of the experiment. */
  out: string;
  config: Pick<ExperimentConfig, 'base' | 'tune' | 'byBudget' | 'alignment'>;
  /** Whole data set. */
  dataset: Pick<Dataset, 'fingerprint' | 'splits'>;
  normalisation: Normalisation;
}

type Group = Omit<CellGroup, 'arms'>;

export const baseFolder = (out: string, group: Group): string => joinPath(out, 'base', groupName(group));

/** Hash of what a first stage follows from: group, stage, places of optical patches, preparation, data and splits. */
function fingerprintOf({ matcher, budget, seed }: Group, { config, dataset, normalisation }: BaseTask) {
  const { base } = stagesOf(config, budget);
  const { fingerprint: data, splits } = dataset;
  const all = { matcher, budget, seed, base, alignment: config.alignment, normalisation, data, splits };
  return sha256(new TextEncoder().encode(JSON.stringify(all)));
}

/**
 * Notes the settings of a first stage that begins, and compares those of one that has begun. One of an older version has
 * no note: it is taken where a cell of its group was kept, as the settings of a cell include those of its first stage.
 *
 * @throws UsageError if it has begun with other settings, or it is not known with which.
 */
export async function claimBase(
  group: Group,
  { hasBegun, hasCells }: { hasBegun: boolean; hasCells: boolean },
  task: BaseTask,
): Promise<void> {
  const { store, out } = task;
  const file = `${baseFolder(out, group)}.json`;
  const settings = await fingerprintOf(group, task);
  if (hasBegun) {
    const noted = (await store.stat(file)) ? notedIn(await readText(store, file)) : undefined;
    if (noted === settings) return;
    if (noted !== undefined || !hasCells) throw otherBase(baseFolder(out, group), noted);
  }
  await store.write(file, `${JSON.stringify({ doppel: 'experiment-base', version: 1, settings })}\n`);
}

/** Hash in a note; an invalid note counts as another hash, as nothing says what it was. */
function notedIn(text: string): string {
  try {
    return fileSchema.parse(JSON.parse(text)).settings;
  } catch {
    return '';
  }
}

const otherBase = (run: string, noted: string | undefined) =>
  new UsageError({
    action: `continue the experiment with the first stage ${run}`,
    expected: 'one of the same settings of "base", alignment, normalisation, data and splits',
    found:
      noted === undefined ? 'one of an older version, with no cell that tells its settings' : 'one of other settings',
    remedy: 'Name another folder by --out, or remove that of the first stage.',
  });
