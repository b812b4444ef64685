/** Scores in the caller's thread: for edge runtimes, which have no worker threads. */
import { Batcher, type BatchingOptions } from './batcher.ts';
import { type EngineOptions, type ModelEngine, openEngine } from './model_engine.ts';
import type {
  PairInput,
  PairOutcome,
  ScoringObserver,
  ScoringService,
  ServedModel,
  TileInput,
  TileOutcome,
  WorkInput,
  WorkOutcome,
} from './scoring_service.ts';

export class InlineScoring implements ScoringService {
  readonly #batcher: Batcher<WorkInput, WorkOutcome>;
  readonly #engine: Promise<ModelEngine>;
  #isReady = false;

  /** Begins to load the model; `info` resolves when it is loaded. */
  constructor(options: EngineOptions & BatchingOptions, observer?: ScoringObserver) {
    this.#batcher = new Batcher(options, observer);
    this.#engine = this.#open(options);
    this.#engine.catch(() => {}); // reported by `info` and `score`
  }

  async #open(options: EngineOptions): Promise<ModelEngine> {
    const engine = await openEngine(options);
    this.#batcher.addRunner((work) => engine.run(work));
    this.#isReady = true;
    return engine;
  }

  ready(): boolean {
    return this.#isReady;
  }

  async info(): Promise<ServedModel> {
    return (await this.#engine).served;
  }

  async score(pairs: readonly PairInput[], signal?: AbortSignal): Promise<PairOutcome[]> {
    await this.#engine;
    return this.#batcher.run(pairs, signal) as Promise<PairOutcome[]>;
  }

  async describe(tiles: readonly TileInput[], signal?: AbortSignal): Promise<TileOutcome[]> {
    await this.#engine;
    return this.#batcher.run(tiles, signal) as Promise<TileOutcome[]>;
  }
}
