/**
 * Philox4x32-10: random numbers by counter, so that a seed gives the same draw on every backend and in every thread.
 *
 * Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011). The k-th group of four outputs has
 * the counter `offset + k`; the key is the seed's low and high 32 bits.
 */

/**
 * Counters between the draws of one training step and those of the next: enough for 4 million numbers a draw. Each
 * replay of a captured step advances by it, too.
 */
export const COUNTERS_A_STEP = 2 ** 20;

const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;
const TWO_32 = 2 ** 32;

/** High 32 bits of a 32 × 32 bit product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16); // this and the next are below 2^32
  const carry = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff);
  return Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16);
}

/**
 * Ten rounds on one counter (128 bits, little word first); writes four 32-bit words to `out`. Words are signed in between:
 * the engine keeps those in registers.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(M0, c0);
    const high1 = multiplyHigh(M1, c2);
    const low0 = Math.imul(M0, c0);
    const low1 = Math.imul(M1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

export interface Draw {
  /** A non-negative integer below 2^53. */
  seed: number;
  /** First counter; a non-negative integer. A draw of n values uses ceil(n / 4) counters. */
  offset: number;
}

/** Calls `use` with each group of four words that is needed for `count` values. */
function eachGroup(count: number, { seed, offset }: Draw, use: (words: Uint32Array, first: number) => void): void {
  const words = new Uint32Array(4);
  const key = [seed >>> 0, Math.floor(seed / TWO_32) >>> 0] as const;
  for (let first = 0; first < count; first += 4) {
    const at = offset + first / 4;
    philox4x32([at >>> 0, Math.floor(at / TWO_32) >>> 0, 0, 0], key, words);
    use(words, first);
  }
}

const TWO_MINUS_24 = 2 ** -24;

/** `count` values uniform in [0, 1), with 24 random bits each. */
export function philoxUniform(count: number, draw: Draw): Float32Array {
  const out = new Float32Array(count);
  eachGroup(count, draw, (words, first) => {
    for (let i = 0; i < 4 && first + i < count; i++) out[first + i] = (words[i]! >>> 8) * TWO_MINUS_24;
  });
  return out;
}

/** `count` standard normal values, by Box-Muller on pairs of uniform ones (the first shifted to (0, 1]). */
export function philoxNormal(count: number, draw: Draw): Float32Array {
  const out = new Float32Array(count);
  eachGroup(count, draw, (words, first) => {
    for (let i = 0; i < 4; i += 2) {
      const radius = Math.sqrt(-2 * Math.log(((words[i]! >>> 8) + 1) * TWO_MINUS_24));
      const angle = 2 * Math.PI * (words[i + 1]! >>> 8) * TWO_MINUS_24;
      if (first + i < count) out[first + i] = radius * Math.cos(angle);
      if (first + i + 1 < count) out[first + i + 1] = radius * Math.sin(angle);
    }
  });
  return out;
}
