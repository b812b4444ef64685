/** Images that go through a network together: alike ones, as many as memory allows. */

/** Pixels of a pass: maps of a tower take some hundred bytes for each. */
const PASS_PIXELS = 2 ** 19;

interface Size {
  width: number;
  height: number;
}

/** Passes over items of one size and kind each. @param kindOf tells apart what cannot go together. */
export function* passesOf<T>(
  items: readonly T[],
  sizeOf: (item: T) => Size,
  kindOf: (item: T) => string = () => '',
): Generator<T[]> {
  const alike = new Map<string, T[]>();
  for (const each of items) {
    const { width, height } = sizeOf(each);
    const key = [kindOf(each), height, width].join();
    alike.set(key, [...(alike.get(key) ?? []), each]);
  }
  for (const some of alike.values()) {
    const { width, height } = sizeOf(some[0]!);
    const count = Math.ceil(PASS_PIXELS / (height * width));
    for (let start = 0; start < some.length; start += count) yield some.slice(start, start + count);
  }
}
