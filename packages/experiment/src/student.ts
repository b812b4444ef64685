/** Student's t distribution, by integrating its density: enough digits for intervals and p-values. */

/** Probability that |t| is at least x. */
export function tailOf(x: number, freedom: number): number {
  return Math.max(0, 1 - 2 * middleOf(Math.abs(x), freedom));
}

/** Value that t stays below with a probability above one half. */
export function tQuantile(probability: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (0.5 + middleOf(high, freedom) < probability) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (0.5 + middleOf(middle, freedom) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const STEPS = 400;

/** Probability of 0 to x. With t = √ν·tan φ the density becomes cosᵛ⁻¹ φ, which is smooth and of a short range. */
function middleOf(x: number, freedom: number): number {
  const integral = (to: number) => {
    const width = to / STEPS;
    let sum = 0;
    for (let i = 0; i <= STEPS; i++) {
      const weight = i === 0 || i === STEPS ? 1 : i % 2 === 1 ? 4 : 2; // Simpson's rule
      sum += weight * Math.cos(i * width) ** (freedom - 1);
    }
    return (sum * width) / 3;
  };
  return (0.5 * integral(Math.atan(x / Math.sqrt(freedom)))) / integral(Math.PI / 2);
}
