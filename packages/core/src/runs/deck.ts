/** Endless random order of records, readable from any position: the records of a step follow from seed and step. */
import { Rng } from '../base/random.ts';

/**
 * @returns a function of start and count that gives the records there; each round through all has a different order.
 */
export function deck(
  records: readonly number[],
  seed: number,
  label: string,
): (start: number, count: number) => number[] {
  const orders = new Map<number, number[]>();
  const order = (round: number) => {
    const known = orders.get(round);
    if (known) return known;
    orders.clear(); // only the current round and the next are needed
    const made = Rng.derive(seed, label, round).shuffle([...records]);
    orders.set(round, made);
    return made;
  };
  return (start, count) =>
    Array.from({ length: count }, (_, i) => {
      const position = start + i;
      return order(Math.floor(position / records.length))[position % records.length]!;
    });
}
