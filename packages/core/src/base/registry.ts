/**
 * A visible list of interchangeable definitions (architectures, strategies), found by name. A plug-in adds its own; a name
 * that is taken is refused, so that no definition silently replaces another.
 */
import { UsageError } from '../errors.ts';

export class Registry<T extends { readonly name: string }> {
  private readonly entries = new Map<string, T>();
  /** Kind of the entries, for messages. */
  readonly kind: string;

  /** @param kind of the entries, for messages: "architecture". @throws UsageError if two entries share a name. */
  constructor(kind: string, entries: readonly T[]) {
    this.kind = kind;
    for (const entry of entries) this.add(entry);
  }

  /** @throws UsageError if the name is taken. */
  add(entry: T): void {
    if (this.entries.has(entry.name)) {
      throw new UsageError({
        action: `register the ${this.kind} ${entry.name}`,
        expected: 'a name that is not taken',
        found: `another ${this.kind} of that name`,
      });
    }
    this.entries.set(entry.name, entry);
  }

  /** @throws UsageError if there is none of that name. */
  get(name: string): T {
    const entry = this.entries.get(name);
    if (entry) return entry;
    throw new UsageError({
      action: `use the ${this.kind} ${name}`,
      expected: `one of ${this.names().join(', ')}`,
      found: `"${name}"`,
    });
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** Names in the order of registration. */
  names(): string[] {
    return [...this.entries.keys()];
  }

  values(): T[] {
    return [...this.entries.values()];
  }
}
