/** `doppel generator train` on a tiny synthetic data set in a real folder: its settings, and starts that are refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import train from '../../packages/cli/src/commands/generator/train.ts';
import { readYaml } from '../../packages/cli/src/yaml_file.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { writeSyntheticDataset } from './dataset_on_disk.ts';
import { runCommand } from './run_command.ts';

const store = new FileStore();
let scratch: string;
const at = (...names: string[]) => join(scratch, ...names);

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'doppel-generator-'));
  await writeSyntheticDataset(store, at('data'));
  writeFileSync(
    at('small.yaml'),
    `
latent: 4
channels: {base: 32, max: 4}
growing:
${[8, 16, 32, 64].map((side) => `  - {side: ${side}, fadeImages: 0, stableImages: 4, batch: 4}`).join('\n')}
samples: {grid: 1, everySteps: 100}
`,
  );
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const doppelTrain = (config: string, out: string) =>
  runCommand(train, [at('data'), '--config', at(config), '--out', at(out), '--backend', 'wasm']);

it('leaves its resolved settings in the folder of the run', async () => {
  await doppelTrain('small.yaml', 'a');
  expect(await readYaml(store, at('a/config.yaml'))).toMatchObject({ data: at('data'), latent: 4, seed: 1 });
  await expect(doppelTrain('small.yaml', 'a')).rejects.toThrow(/checkpoints of an earlier one/);
});

it('leaves nothing of a start that is refused', async () => {
  writeFileSync(at('large.yaml'), 'side: 128\n');
  await expect(doppelTrain('large.yaml', 'refused')).rejects.toThrow(/side 128.*patches of side 64/);
  expect(await store.stat(at('refused'))).toBeUndefined();
});
