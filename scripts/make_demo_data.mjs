/**
 * Makes data/demo again: twelve whole scenes of the Optical-SAR dataset as they are, with the split that they have
 * there.
 *
 *     node scripts/make_demo_data.mjs ../shared/data/sentinel
 *
 * Scenes were chosen by what is seen in them, never by how a model does on them: cities, airports, hills, a harbour,
 * farms, lakes and suburbs, in California and in Texas. No scene touches one of another split.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './run.mjs';

const SCENES = {
  train: ['020', '035', '060', '128', '155', '222'],
  validation: ['177', '253'],
  test: ['100', '201', '214', '270'],
};

const [source] = process.argv.slice(2);
if (!source) {
  console.error('usage: node scripts/make_demo_data.mjs FOLDER-OF-ALL-SCENES');
  process.exit(2);
}
const target = join(ROOT, 'data/demo');
const readJson = (name) => JSON.parse(readFileSync(join(source, name), 'utf8'));
const protocol = readJson('protocol.json');
const chosen = Object.values(SCENES).flat().sort();

for (const [split, names] of Object.entries(SCENES)) {
  const strangers = names.filter((name) => !protocol.split[split].includes(name));
  if (strangers.length > 0) throw new Error(`not in ${split} of the protocol: ${strangers.join(', ')}`);
}
const described = readJson('scenes.json').filter(({ scene }) => chosen.includes(scene));
refuseNeighbours(described);

for (const kind of ['sar', 'optical']) {
  mkdirSync(join(target, kind), { recursive: true });
  for (const name of chosen) copyFileSync(join(source, kind, `${name}.tif`), join(target, kind, `${name}.tif`));
}
const write = (name, value) => writeFileSync(join(target, name), `${JSON.stringify(value, null, 1)}\n`);
write('protocol.json', { name: 'demo', crs: protocol.crs, split: SCENES, unused: [] });
write('scenes.json', described);
console.log(`${chosen.length} scenes in ${target}`);

function refuseNeighbours(scenes) {
  const splitOf = (name) => Object.keys(SCENES).find((split) => SCENES[split].includes(name));
  for (const { scene: a, boundsEpsg3395: p } of scenes) {
    for (const { scene: b, boundsEpsg3395: q } of scenes) {
      const gap = Math.max(p[0] - q[2], q[0] - p[2], p[1] - q[3], q[1] - p[3]);
      if (gap < 1 && splitOf(a) !== splitOf(b)) throw new Error(`scenes ${a} and ${b} touch across splits`);
    }
  }
}
