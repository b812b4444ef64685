/** Value that can be replaced while it is in use: a user keeps it to the end, later users get its successor. */

interface Held<T> {
  readonly value: T;
  users: number;
  /** Called when the last user is done, once the value is replaced. */
  release?: () => void;
}

export class Replaceable<T> {
  #held: Held<T>;

  constructor(value: T) {
    this.#held = { value, users: 0 };
  }

  /** Value now. To work with it, call `use`. */
  get value(): T {
    return this.#held.value;
  }

  /** Calls `work` with the value, which stays open until it is done. */
  async use<R>(work: (value: T) => Promise<R>): Promise<R> {
    const held = this.#held;
    held.users++;
    try {
      return await work(held.value);
    } finally {
      held.users--;
      if (held.users === 0) held.release?.();
    }
  }

  /** Gives later users another value; resolves to the old one when nobody uses it any more. */
  async replace(value: T): Promise<T> {
    const old = this.#held;
    this.#held = { value, users: 0 };
    if (old.users > 0) {
      await new Promise<void>((resolve) => {
        old.release = resolve;
      });
    }
    return old.value;
  }
}
