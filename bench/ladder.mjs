/**
 * A ladder of settings: trains a base and variants of it with one change each, and measures every one on the *validation*
 * split, so that a choice among them never touches the test split.
 *
 *     npm run build && node bench/ladder.mjs LADDER.yaml --data DATA --out DIR [--rungs base,width-16]
 *         [--alignment repaired] [--precision fp32-fast]
 *
 * LADDER.yaml holds `base`, settings of `doppel train`, and `rungs`, changes to them by name. The same command goes on
 * where it was stopped; a rung that was begun with other settings is refused. DIR/results.json holds all rungs that are
 * done.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mergeSettings } from '../packages/core/dist/runs/settings.js';

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
const unknown = wanted.filter((name) => !Object.hasOwn(rungs, name));
if (unknown.length > 0) throw new Error(`${ladderFile} has no rung ${unknown.join(', ')}`);

// The command that is under way gets Ctrl-C too, saves and ends; then so does this one.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});

/** Standard output of a command of doppel. */
function doppel(...words) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 28 };
  const { status, stdout, error } = spawnSync(process.execPath, [DOPPEL, ...words], options);
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

/** Writes a file so that it is there as a whole, or not at all. */
function write(file, content) {
  const part = `${file}.${process.pid}.part`;
  writeFileSync(part, content);
  renameSync(part, file);
}

/** Writes the settings of a rung beside its run. @throws Error if it was begun with others. */
function requireSettings(name) {
  const { data, alignment, precision } = flags;
  const settings = stringify({ data, alignment, precision, train: mergeSettings([base, rungs[name]]) });
  const file = join(flags.out, `${name}.settings.yaml`);
  if (existsSync(file) && readFileSync(file, 'utf8') !== settings) {
    throw new Error(
      `The rung ${name} in ${flags.out} has other settings (${file}): remove it, or choose another --out.`,
    );
  }
  write(file, settings);
}

/** Trains a rung, or goes on with it, and measures it. */
function climb(name) {
  const run = join(flags.out, name);
  const config = `${run}.yaml`;
  const common = ['--backend', 'native', '--precision', flags.precision];
  write(config, stringify(mergeSettings([base, rungs[name]])));
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
  requireSettings(name);
  if (existsSync(resultOf(name))) continue;
  console.error(`rung ${name}`);
  write(resultOf(name), JSON.stringify(climb(name)));
}

const done = Object.keys(rungs).filter((name) => existsSync(resultOf(name)));
const results = done.map((name) => ({ rung: name, ...JSON.parse(readFileSync(resultOf(name), 'utf8')) }));
write(join(flags.out, 'results.json'), `${JSON.stringify({ rungs: results })}\n`);
console.log(`${done.length} of ${Object.keys(rungs).length} rungs are done: ${join(flags.out, 'results.json')}`);
