/**
 * A ladder of settings: trains a base and variants of it with one change each, and measures every one on the *validation*
 * split, so that a choice among them never touches the test split.
 *
 *     npm run build && node bench/ladder.mjs LADDER.yaml --data DATA --out DIR [--rungs base,width-16]
 *         [--alignment repaired] [--precision fp32-fast]
 *
 * LADDER.yaml holds `base`, settings of `doppel train`, and `rungs`, changes to them by name. The same command goes on
 * where it was stopped. DIR/results.json holds all rungs that are done.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { parse, stringify } = createRequire(new URL('../packages/cli/package.json', import.meta.url))('yaml');
const DOPPEL = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));

const text = (value) => ({ type: 'string', default: value });
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ data: { type: 'string' }, out: { type: 'string' }, rungs: { type: 'string' } },
    ...{ alignment: text('repaired'), precision: text('fp32-fast') },
  },
});
const [ladderFile] = positionals;
if (!ladderFile || !flags.data || !flags.out) {
  console.error('Usage: node bench/ladder.mjs LADDER.yaml --data DATA --out DIR [--rungs NAME,NAME]');
  process.exit(2);
}
const { base, rungs } = parse(readFileSync(ladderFile, 'utf8'));
const wanted = flags.rungs?.split(',') ?? Object.keys(rungs);
const unknown = wanted.filter((name) => !(name in rungs));
if (unknown.length > 0) throw new Error(`${ladderFile} has no rung ${unknown.join(', ')}`);

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The settings with those of `change` in their place, key by key. */
function changed(settings, change) {
  const merged = { ...settings };
  for (const [key, value] of Object.entries(change)) {
    merged[key] = isObject(value) && isObject(merged[key]) ? changed(merged[key], value) : value;
  }
  return merged;
}

const doppel = (...words) => execFileSync(process.execPath, [DOPPEL, ...words], { encoding: 'utf8' });

/** Trains a rung, or goes on with it, and measures it. */
function climb(name) {
  const run = join(flags.out, name);
  const config = `${run}.yaml`;
  const common = ['--backend', 'native', '--precision', flags.precision];
  writeFileSync(config, stringify(changed(base, rungs[name])));
  const isBegun = existsSync(join(run, 'checkpoints/last.safetensors'));
  const start = isBegun ? ['--resume', run] : [flags.data, '--config', config, '--out', run];
  doppel('train', ...start, ...common);
  const model = ['--model', join(run, 'checkpoints/best.safetensors')];
  const measured = ['--split', 'validation', '--alignment', flags.alignment, '--json'];
  return JSON.parse(doppel('experiment', 'test', ...model, '--data', flags.data, ...measured, '--backend', 'native'));
}

mkdirSync(flags.out, { recursive: true });
const resultOf = (name) => join(flags.out, `${name}.json`);
for (const name of wanted) {
  if (existsSync(resultOf(name))) continue;
  console.error(`rung ${name}`);
  const result = climb(name);
  writeFileSync(`${resultOf(name)}.part`, JSON.stringify(result));
  renameSync(`${resultOf(name)}.part`, resultOf(name));
}

const done = Object.keys(rungs).filter((name) => existsSync(resultOf(name)));
const results = done.map((name) => ({ rung: name, ...JSON.parse(readFileSync(resultOf(name), 'utf8')) }));
writeFileSync(join(flags.out, 'results.json'), `${JSON.stringify({ rungs: results })}\n`);
console.log(`${done.length} of ${Object.keys(rungs).length} rungs are done: ${join(flags.out, 'results.json')}`);
