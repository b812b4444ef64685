/**
 * What a machine with an NVIDIA card can show of the backend `cuda`, and others cannot: `pnpm test:gpu`. Builds the addon for it,
 * says which card was found, then runs parity with `cpu`, random shapes, training steps with their copies and as graphs, memory,
 * determinism and errors, and the reference values of the folder that --golden names.
 */
import { ROOT, run } from './run.mjs';

const there = { cwd: ROOT };
run('node', ['scripts/setup.mjs', '--tests', '--cuda', '--require'], there);
const { loadAddon } = await import('../dist/index.js');
const loaded = loadAddon();
const { problem, cards } = loaded.available ? loaded.addon.cards() : { problem: loaded.reason, cards: [] };
const usable = cards.filter((card) => !card.problem);
if (usable.length === 0) {
  console.error(`There is no card to test on: ${problem || cards.map((card) => card.problem).join('; ')}`);
  process.exit(1);
}
console.log(usable.map(({ name }) => name).join('\n'));

const native = ['isa_parity', 'cuda.alone', 'graph.alone'].map((name) => `test/native-cuda/${name}.test.ts`);
const suites = ['test/core/ops/parity.test.ts', ...native];
run('node_modules/.bin/vitest', ['run', ...suites], there);
const golden = process.argv.indexOf('--golden');
if (golden > 0)
  run('node', ['packages/cli/dist/main.js', 'verify', process.argv[golden + 1], '--backend', 'cuda'], there);
