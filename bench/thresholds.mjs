/**
 * Compares the rules of a threshold: each is fitted on the pairs of some validation places, and its accuracy measured on
 * those of the others, for all choices of so many places.
 *
 *     npm run build && doppel evaluate --model MODEL --data DATA --split validation --out OUT
 *     node bench/thresholds.mjs OUT [OUT …] [--places 1,2,3,5,7]
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseThreshold } from '../packages/core/dist/evaluation/fit_calibration.js';
import { accuracyOf, confusionAt } from '../packages/core/dist/evaluation/metrics.js';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { places: { type: 'string', default: '1,2,3,5,7' } },
});
if (positionals.length === 0) {
  console.error(
    'Usage: node bench/thresholds.mjs OUT [OUT …] [--places 1,2,3,5,7], with the folders of doppel evaluate',
  );
  process.exit(2);
}
const counts = flags.places.split(',').map(Number);
const RULES = ['logistic', 'accuracy'];

/** Scores and labels of the pairs, by place of the optical patch. */
function readPlaces(folder) {
  const [head, ...lines] = readFileSync(join(folder, 'scores.csv'), 'utf8').trim().split('\n');
  const columns = head.split(',');
  const places = new Map();
  for (const line of lines) {
    const cells = line.split(',');
    const of = (name) => cells[columns.indexOf(name)];
    const pairs = places.get(of('place')) ?? [];
    places.set(of('place'), [...pairs, { score: Number(of('score')), label: Number(of('label')) }]);
  }
  return [...places.values()];
}

/** All choices of `count` of the items. */
function* choices(items, count, from = 0) {
  if (count === 0) yield [];
  for (let i = from; i <= items.length - count && count > 0; i++)
    for (const rest of choices(items, count - 1, i + 1)) yield [items[i], ...rest];
}

/** Mean accuracy on the places that a threshold was not fitted on, and the threshold's deviation between choices. */
function compared(places, count, rule) {
  const results = [...choices(places, count)].map((chosen) => {
    const columns = (pairs) => [pairs.map(({ score }) => score), pairs.map(({ label }) => label)];
    const threshold = chooseThreshold(...columns(chosen.flat()), rule);
    const rest = places.filter((place) => !chosen.includes(place)).flat();
    return { threshold, accuracy: accuracyOf(confusionAt(...columns(rest), threshold)) };
  });
  const mean = (of) => results.reduce((sum, each) => sum + of(each), 0) / results.length;
  const threshold = mean((each) => each.threshold);
  return {
    accuracy: mean((each) => each.accuracy),
    deviation: Math.sqrt(mean((each) => (each.threshold - threshold) ** 2)),
  };
}

console.log(`| | rule | ${counts.map((count) => `${count} of the places`).join(' | ')} |`);
console.log(`|${' --- |'.repeat(counts.length + 2)}`);
for (const folder of positionals) {
  const places = readPlaces(folder);
  for (const rule of RULES) {
    const cells = counts.map((count) => {
      const { accuracy, deviation } = compared(places, count, rule);
      return `${(accuracy * 100).toFixed(2)} % (${deviation.toFixed(2)})`;
    });
    console.log(`| ${folder} | ${rule} | ${cells.join(' | ')} |`);
  }
}
