/** Mean and standard deviation. */

/** Mean and standard deviation of the finite values (of the samples, not of a larger population), and their number. */
export function momentsOf(values: ArrayLike<number>): { mean: number; std: number; count: number } {
  let [count, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value)) squares += (value - mean) ** 2;
  }
  return { mean, std: Math.sqrt(squares / count), count };
}
