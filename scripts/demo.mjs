/**
 * The demo behind `npm start`: it scores and registers with the model in the box, then walks from scenes to a model of its
 * own on the real pairs of data/demo, each step the command that a user would type. Its results lie in runs/demo;
 * data/demo is left alone.
 *
 * `npm start -- --backend wasm` asks for a backend. Training is sized for what the backend can do in a minute.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attempt, ROOT } from './run.mjs';

const RUN = 'runs/demo';
const { values: flags } = parseArgs({ options: { backend: { type: 'string' } } });
const backend = flags.backend ? ['--backend', flags.backend] : [];
const start = Date.now();
const seconds = () => Math.round((Date.now() - start) / 1000);

function doppel(args, options) {
  const { status, signal, stdout } = attempt(process.execPath, ['packages/cli/dist/main.js', ...args], options);
  if (status === 0) return stdout;
  console.error(`\nThe demo stopped at this step (${signal ?? `exit code ${status}`}).`);
  process.exit(status ?? 1);
}

/** @param words the command line, but for the parts that hold no spaces of their own. */
function step(title, words, ...more) {
  const args = [...words.split(' '), ...more];
  console.log(`\n[${seconds()} s] ${title}\n$ npm run -s doppel -- ${args.join(' ')}`);
  doppel(args);
}

/** The addon does in seconds what WebAssembly does in minutes: the same recipe then goes further. */
function effort() {
  const found = JSON.parse(doppel(['doctor', '--json'], { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' }));
  const name = flags.backend ?? process.env.DOPPEL_BACKEND ?? found.backend;
  const isFast = name === 'native' || name === 'cuda';
  return isFast ? { base: 3, candidates: 64, mined: 1, made: 384 } : { base: 1, candidates: 4, mined: 1, made: 0 };
}

const checkpointOf = (name) => `${RUN}/${name}/checkpoints/best.safetensors`;

function evaluate(name, title, anchors) {
  const words = `evaluate --model ${checkpointOf(name)} --data ${data} --anchors ${anchors}`;
  step(title, `${words} --out ${MODELS[name].evaluation}`, ...backend);
}

if (existsSync(join(ROOT, RUN))) rmSync(join(ROOT, RUN), { recursive: true });
mkdirSync(join(ROOT, RUN), { recursive: true });

const data = `${RUN}/data`;
/** Models that are trained here, by what they were trained with, and where their evaluations lie. */
const MODELS = {
  base: { negatives: 'no hard negatives', evaluation: `${RUN}/evaluation-base` },
  mined: { negatives: 'real ones', evaluation: `${RUN}/evaluation` },
  made: { negatives: 'made ones', evaluation: `${RUN}/evaluation-made` },
};
const base = checkpointOf('base');
const { base: baseEpochs, candidates, mined: minedEpochs, made: anchors } = effort();

const pairOf = (sar, optical) => `--sar data/demo/sar/${sar}.tif --optical data/demo/optical/${optical}.tif`;
step(
  'Score a pair of the same place with the model in the box',
  `score ${pairOf('201', '201')} --crop centre`,
  ...backend,
);
step('Score a pair of two places', `score ${pairOf('270', '201')} --crop centre`, ...backend);
step(
  'Register two whole scenes with it: tie points, a judged correction, the optical scene where it belongs',
  `register ${pairOf('201', '201')} --out ${RUN}/registered`,
  ...backend,
);
step(
  'Cut real Sentinel-1 and Sentinel-2 scenes into pairs of patches',
  `data import scenes data/demo --side 64 --unit amplitude --out ${data}`,
);
step('Split them by place', `data split ${data} --protocol data/demo/protocol.json`);
step(
  'Evaluate the model in the box on places that it never saw',
  `evaluate --data ${data} --anchors 0 --out ${RUN}/box`,
  ...backend,
);
step(
  'Train a matching network of your own, on six places',
  `train ${data} --config configs/demo.yaml --epochs ${baseEpochs} --out ${RUN}/base`,
  ...backend,
);
step(
  'Mine hard negatives: the real patches that it mistakes most',
  `mine loss --model ${base} --data ${data} --max-candidates ${candidates} --out ${RUN}/negatives.jsonl`,
  ...backend,
);
step(
  'Train on with them',
  `train ${data} --config configs/demo-mined.yaml --epochs ${minedEpochs} --from ${base}` +
    ` --negatives ${RUN}/negatives.jsonl --out ${RUN}/mined`,
  ...backend,
);
evaluate('mined', 'Evaluate it on the same places', 50);
if (anchors > 0) {
  step(
    'Make look-alikes: real patches, edited where the generator in the box swaps a blob of ground',
    `mine adaptive --model ${base} --data ${data} --generator s1-10m-spatial --rule swap --strengths 0.25 --edit ratio` +
      ` --real 0 --relative-margin 0 --anchors ${anchors} --out ${RUN}/made.jsonl`,
    ...backend,
  );
  step(
    'Train on with these instead',
    `train ${data} --config configs/demo-mined.yaml --epochs ${minedEpochs} --from ${base}` +
      ` --negatives ${RUN}/made.jsonl --out ${RUN}/made`,
    ...backend,
  );
  evaluate('made', 'Evaluate it on the same places', 0);
  evaluate('base', 'Evaluate the one before any hard negatives, too', 0);
  console.log('\nThe four places that none of them saw, 95 % intervals over places:');
  for (const { negatives, evaluation } of Object.values(MODELS)) {
    const { auc, fpr95, intervals } = JSON.parse(readFileSync(join(ROOT, evaluation, 'metrics.json'), 'utf8'));
    const interval = intervals.auc.map((value) => value.toFixed(3)).join(', ');
    console.log(
      `  ${negatives.padEnd(18)} ROC-AUC ${auc.toFixed(3)} [${interval}], FPR at 95 % recall ${(100 * fpr95).toFixed(1)} %`,
    );
  }
  console.log('So little training, on so few places, shows how it is done, not which is better: see studies/.');
}
console.log(`\nDone in ${seconds()} s. Open in a browser:`);
console.log(`  ${RUN}/registered/report.html  two scenes on each other`);
console.log(`  ${RUN}/box/report.html         the model in the box`);
console.log(`  ${MODELS.mined.evaluation}/report.html  the one that was trained here`);
console.log('\nThe same by clicking, with the demo scenes as the example and a gallery to search:');
console.log(`  npm run -s doppel -- gallery build data/demo --out ${RUN}/gallery`);
console.log(`  npm run -s doppel -- serve --data ${RUN}/server --gallery demo=${RUN}/gallery`);
console.log('  then open http://127.0.0.1:8080');
