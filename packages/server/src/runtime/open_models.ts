/** Opens the models of the settings, each with scoring threads of its own, and replaces those whose files have changed. */
import { sha256 } from '@doppel/core/base';
import type { ReloadModels } from '../routes/reload.ts';
import { Models, versionOf } from '../scoring/models.ts';
import type { ScoringObserver, ServedModel } from '../scoring/scoring_service.ts';
import { WorkerScoring } from '../scoring/worker_scoring.ts';
import type { ServerSettings } from './flags.ts';
import type { NamedFile } from './named_files.ts';

export interface OpenModelsOptions {
  settings: ServerSettings;
  /** Bytes of a model of the settings. */
  read(file: string): Promise<Uint8Array>;
  log(line: string): void;
  observer: ScoringObserver;
  /** Program of the threads, for tests. */
  main?: URL | undefined;
}

export interface OpenedModels {
  readonly models: Models;
  /** Descriptions by name, when all can score. @throws ServerError if a model or the backend fails. */
  served(): Promise<ReadonlyMap<string, ServedModel>>;
  /** Replaces models whose files have changed, all or none. @throws FileError or ServerError if one does not load. */
  reload: ReloadModels;
  /** Ends the threads at once. */
  close(): Promise<void>;
}

/** Starts to load the models. @throws FileError if one cannot be read. */
export async function openModels(options: OpenModelsOptions): Promise<OpenedModels> {
  const { models: named } = options.settings;
  const open = new Set<WorkerScoring>();
  const start = (file: string, model: Uint8Array) => {
    const { settings, log, observer, main } = options;
    const { limits, backend, workers } = settings;
    const scoring = new WorkerScoring({ ...limits, model, file, backend, workers, log, observer, main });
    open.add(scoring);
    return scoring;
  };
  const end = async (scoring: WorkerScoring) => {
    open.delete(scoring);
    await scoring.close(0);
  };

  const bytes = await Promise.all(named.map(({ file }) => options.read(file)));
  const models = new Models(named.map(({ name, file }, i) => [name, start(file, bytes[i]!)]));
  const infoOf = (name: string) => models.find(name)!.info();

  /** New bytes of a model whose file has changed. */
  const changeOf = async ({ name, file }: NamedFile) => {
    const fresh = await options.read(file);
    const { fingerprint } = (await infoOf(name)).info;
    return (await sha256(fresh)) === fingerprint ? [] : [{ name, file, fresh }];
  };

  async function reload() {
    const changes = (await Promise.all(named.map(changeOf))).flat(); // before the first thread starts: one may fail
    const successors = changes.map(({ name, file, fresh }) => ({ name, scoring: start(file, fresh) }));
    try {
      await Promise.all(successors.map(({ scoring }) => scoring.info()));
    } catch (error) {
      await Promise.all(successors.map(({ scoring }) => end(scoring)));
      throw error;
    }
    for (const { name, scoring } of successors) {
      void models.replace(name, scoring).then((old) => end(old as WorkerScoring));
    }
    const changed = new Set(successors.map(({ name }) => name));
    const described = named.map(async ({ name }) => ({
      ...{ name, version: versionOf(await infoOf(name)) },
      changed: changed.has(name),
    }));
    return { models: await Promise.all(described) };
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    models,
    async served() {
      return new Map(await Promise.all(named.map(async ({ name }) => [name, await infoOf(name)] as const)));
    },
    reload() {
      const result = last.then(reload); // one after the other
      last = result.catch(() => {});
      return result;
    },
    close: async () => void (await Promise.all([...open].map(end))),
  };
}
