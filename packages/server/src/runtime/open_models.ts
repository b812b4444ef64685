/** Opens the models of the settings, each with scoring threads of its own. */
import { Models } from '../scoring/models.ts';
import type { ScoringObserver, ServedModel } from '../scoring/scoring_service.ts';
import { WorkerScoring } from '../scoring/worker_scoring.ts';
import type { ServerSettings } from './flags.ts';

export interface OpenModelsOptions {
  settings: ServerSettings;
  /** Bytes of a model of the settings. */
  read(file: string): Promise<Uint8Array>;
  log(line: string): void;
  observer: ScoringObserver;
}

export interface OpenedModels {
  readonly models: Models;
  /** Descriptions by name, when all can score. @throws ServerError if a model or the backend fails. */
  served(): Promise<ReadonlyMap<string, ServedModel>>;
  /** Ends the threads at once. */
  close(): Promise<void>;
}

/** Starts to load the models. @throws FileError if one cannot be read. */
export async function openModels({ settings, read, log, observer }: OpenModelsOptions): Promise<OpenedModels> {
  const { models: named, limits, backend, workers } = settings;
  const bytes = await Promise.all(named.map(({ file }) => read(file)));
  const scorings = new Map(
    named.map(({ name, file }, i) => {
      const options = { ...limits, model: bytes[i]!, file, backend, workers, log, observer };
      return [name, new WorkerScoring(options)] as const;
    }),
  );
  return {
    models: new Models(scorings),
    async served() {
      const served = await Promise.all([...scorings].map(async ([name, each]) => [name, await each.info()] as const));
      return new Map(served);
    },
    async close() {
      await Promise.all([...scorings.values()].map((scoring) => scoring.close(0)));
    },
  };
}
