/** Writes what was mined, all files or none, and tells it. */
import type { Dataset } from '@doppel/core/dataset';
import type { Negatives } from '@doppel/core/mining';
import type { FileStore } from '@doppel/core/node';
import { type MiningPaths, miningFiles, miningJson, miningText } from './mining_files.ts';
import { writeTogether } from './write_together.ts';

/** Result of a mining, and where it goes. */
interface Mined {
  found: Negatives;
  dataset: Dataset;
  paths: MiningPaths;
  /** Inputs, for the report. */
  where: object;
  sheet: boolean;
}

interface Written {
  /** Paths by kind of file. */
  written: Record<string, string>;
  json: object;
  text: string;
}

/** @returns what was written, and what to print. @throws FileError, with the folder as it was. */
export async function writeMining(store: FileStore, { found, dataset, paths, where, sheet }: Mined): Promise<Written> {
  const files = await miningFiles(found, dataset, paths, { where, sheet });
  await writeTogether(store, paths.folder, files);
  const written: Record<string, string> = {
    file: paths.negatives,
    report: paths.report,
    ...(found.patches && { patches: paths.patches }),
    ...(sheet && { sheet: paths.sheet }),
  };
  return { written, json: { ...miningJson(found.report), ...written, ...where }, text: miningText(found, written) };
}
