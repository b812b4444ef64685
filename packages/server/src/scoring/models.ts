/**
 * The models that a server holds, by name. The first is the default. A model can be replaced while it is in use: requests
 * that have it keep it to their end, later ones get its successor.
 */
import { Replaceable } from './replaceable.ts';
import type { ScoringService, ServedModel } from './scoring_service.ts';

/** Digits of the fingerprint that make the version of a model. */
const VERSION_DIGITS = 12;

/** Version of a model: it changes with the bytes of the checkpoint. */
export const versionOf = ({ info }: ServedModel): string => info.fingerprint.slice(0, VERSION_DIGITS);

export class Models {
  readonly #held: Map<string, Replaceable<ScoringService>>;

  /** @param models at least one; the first is the default. */
  constructor(models: Iterable<readonly [name: string, scoring: ScoringService]>) {
    this.#held = new Map([...models].map(([name, scoring]) => [name, new Replaceable(scoring)]));
    if (this.#held.size === 0) throw new Error('a server holds at least one model');
  }

  /** Names in the order of the settings. */
  get names(): string[] {
    return [...this.#held.keys()];
  }

  get defaultName(): string {
    return this.names[0]!;
  }

  /** True if every model can score. */
  ready(): boolean {
    return [...this.#held.values()].every(({ value }) => value.ready());
  }

  /** Model of this name now; undefined if there is none. To score with it, call `use`. */
  find(name: string): ScoringService | undefined {
    return this.#held.get(name)?.value;
  }

  /** Calls `work` with a model, which stays open until it is done. @throws Error for an unknown name. */
  async use<T>(name: string, work: (scoring: ScoringService) => Promise<T>): Promise<T> {
    return this.#get(name).use(work);
  }

  /** Gives later requests another model under the same name; resolves to the old one when nobody uses it any more. */
  async replace(name: string, scoring: ScoringService): Promise<ScoringService> {
    return this.#get(name).replace(scoring);
  }

  #get(name: string): Replaceable<ScoringService> {
    const held = this.#held.get(name);
    if (!held) throw new Error(`no model "${name}"`);
    return held;
  }
}
