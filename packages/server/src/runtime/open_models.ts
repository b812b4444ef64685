/** Opens the models of the settings, each with scoring threads of its own, and replaces those whose files have changed. */
import { sha256 } from '@doppel/core/base';
import type { ReloadedModel } from '../routes/reload.ts';
import { Models, versionOf } from '../scoring/models.ts';
import type { ScoringObserver, ServedModel } from '../scoring/scoring_service.ts';
import { WorkerScoring } from '../scoring/worker_scoring.ts';
import type { ServerSettings } from './flags.ts';

export interface OpenModelsOptions {
  settings: ServerSettings;
  /** Bytes of a model of the settings. */
  read(file: string): Promise<Uint8Array>;
  log(line: string): void;
  observer: ScoringObserver;
  /** Program of the threads, for tests. */
  main?: URL | undefined;
}

/** Bytes of a model, and its file for messages. */
export interface ModelBytes {
  file: string;
  bytes: Uint8Array;
}

/** Successor of something that depends on the models, and is replaced with them. */
export interface Successor {
  /** Puts it in the place of the old one. */
  take(): void;
  /** Ends it, as something else of the reload failed. */
  drop(): Promise<void>;
}

export interface OpenedModels {
  readonly models: Models;
  /** Models as they were opened at the start. */
  readonly files: readonly ModelBytes[];
  /** Descriptions by name, when all can score. @throws ServerError if a model or the backend fails. */
  served(): Promise<ReadonlyMap<string, ServedModel>>;
  /**
   * Replaces models whose files have changed, all or none.
   *
   * @param prepare opens what depends on the models. @throws FileError or ServerError if something does not load.
   */
  reload(prepare?: (files: readonly ModelBytes[]) => Promise<Successor>): Promise<ReloadedModel[]>;
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

  const isChanged = async (name: string, fresh: Uint8Array) =>
    (await sha256(fresh)) !== (await infoOf(name)).info.fingerprint;

  async function reload(prepare?: (files: readonly ModelBytes[]) => Promise<Successor>) {
    const read = await Promise.all(
      named.map(async ({ name, file }) => ({ name, file, bytes: await options.read(file) })),
    );
    const changes = await Promise.all(read.map(({ name, bytes }) => isChanged(name, bytes)));
    const successors = read
      .filter((_, i) => changes[i]) // before the first thread starts: one may fail
      .map(({ name, file, bytes }) => ({ name, scoring: start(file, bytes) }));
    const dependant = prepare?.(read);
    try {
      await Promise.all([...successors.map(({ scoring }) => scoring.info()), dependant]);
    } catch (error) {
      await Promise.all(successors.map(({ scoring }) => end(scoring)));
      await dependant?.then((each) => each.drop()).catch(() => {}); // the first error says what failed
      throw error;
    }
    for (const { name, scoring } of successors) {
      void models.replace(name, scoring).then((old) => end(old as WorkerScoring));
    }
    (await dependant)?.take();
    const changed = new Set(successors.map(({ name }) => name));
    const described = named.map(async ({ name }) => ({
      ...{ name, version: versionOf(await infoOf(name)) },
      changed: changed.has(name),
    }));
    return Promise.all(described);
  }

  let last: Promise<unknown> = Promise.resolve();
  return {
    models,
    files: named.map(({ file }, i) => ({ file, bytes: bytes[i]! })),
    async served() {
      return new Map(await Promise.all(named.map(async ({ name }) => [name, await infoOf(name)] as const)));
    },
    reload(prepare) {
      const result = last.then(() => reload(prepare)); // one after the other
      last = result.catch(() => {});
      return result;
    },
    close: async () => void (await Promise.all([...open].map(end))),
  };
}
