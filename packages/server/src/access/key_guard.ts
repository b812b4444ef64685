/** The guard over a file of keys: scopes, requests in a minute, bytes in a day. Counters are kept in memory. */
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { explain, problemError } from '../problem.ts';
import type { Caller, Guard } from './guard.ts';
import { type Key, keyOf } from './keys.ts';
import type { KeysFile } from './keys_file.ts';
import type { Need } from './scopes.ts';

const [MINUTE, DAY] = [60, 86_400];

/** Receives what keys do, by their names. */
export interface KeyObserver {
  keyBytes(key: string, bytes: number): void;
}

export class KeyGuard implements Guard {
  readonly #file: KeysFile;
  readonly #observer: KeyObserver | undefined;
  readonly #requests = new Counters(MINUTE);
  readonly #bytes = new Counters(DAY);

  constructor(file: KeysFile, observer?: KeyObserver) {
    this.#file = file;
    this.#observer = observer;
  }

  async admit(
    presented: string | undefined,
    need: Exclude<Need, 'nothing'>,
    bytes: number | undefined,
  ): Promise<Caller> {
    const key = this.#known(await this.#file.keys(), presented);
    if (need !== 'any key' && !key.scopes.includes(need)) {
      const facts = explain('answer', `a key with the scope ${need}`, `${key.name}: ${key.scopes.join(', ')}`);
      throw problemError('forbidden', facts);
    }
    await this.#refuseBeyond(key, bytes);
    return { name: key.name, isAdmin: key.scopes.includes('admin') };
  }

  async spend({ name }: Caller, bytes: number): Promise<void> {
    this.#observer?.keyBytes(name, bytes);
    const { bytesPerDay } = (await this.#file.keys()).find((each) => each.name === name) ?? {};
    if (bytesPerDay !== undefined) await this.#bytes.add(name, bytesPerDay, bytes);
  }

  #known(keys: readonly Key[], presented: string | undefined): Key {
    const key = presented === undefined ? undefined : keyOf(keys, presented);
    if (key) return key;
    const found = presented === undefined ? 'none' : 'another';
    const facts = explain('answer', 'a known key', found, 'Send it as "Authorization: Bearer KEY".');
    const challenge = `Bearer realm="doppel"${presented === undefined ? '' : ', error="invalid_token"'}`;
    throw problemError('unauthorised', facts, { 'www-authenticate': challenge });
  }

  async #refuseBeyond({ name, requestsPerMinute, bytesPerDay }: Key, bytes: number | undefined): Promise<void> {
    if (requestsPerMinute !== undefined) {
      const wait = await this.#requests.add(name, requestsPerMinute, 1);
      if (wait > 0) throw limited('rate-limited', `${requestsPerMinute} requests in a minute`, wait);
    }
    if (bytesPerDay !== undefined && bytes !== 0) {
      const wait = await this.#bytes.waitFor(name, bytesPerDay, bytes ?? 1);
      if (wait > 0) throw limited('quota-exceeded', `${bytesPerDay} bytes in a day`, wait);
    }
  }
}

function limited(name: 'rate-limited' | 'quota-exceeded', limit: string, waitMs: number) {
  const seconds = Math.ceil(waitMs / 1000);
  const facts = explain('answer', `at most ${limit} with this key`, 'more', `Try again in ${seconds} s.`);
  return problemError(name, facts, { 'retry-after': `${seconds}` });
}

/** Counters by name over windows of some seconds, each of which begins with the first count. */
class Counters {
  readonly #seconds: number;
  readonly #counts: RateLimiterMemory;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#counts = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: seconds }); // each key has its limit
  }

  /** Counts. @returns milliseconds until the window ends if the limit is exceeded, else 0. */
  async add(name: string, limit: number, count: number): Promise<number> {
    const { consumedPoints, msBeforeNext } = await this.#counts.penalty(name, count);
    return consumedPoints > limit ? Math.max(msBeforeNext, 1) : 0;
  }

  /** Milliseconds to wait before `count` more are within the limit; nothing is counted. A full window refuses all. */
  async waitFor(name: string, limit: number, count: number): Promise<number> {
    const present = await this.#counts.get(name);
    const consumed = present?.consumedPoints ?? 0;
    if (consumed < limit && consumed + count <= limit) return 0;
    return Math.max(present?.msBeforeNext ?? 1000 * this.#seconds, 1);
  }
}
