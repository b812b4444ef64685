/** `doppel generator sample`: patches of a generator, as a picture and as files. */
import { joinPath, UsageError } from '@doppel/core';
import { type Dataset, openDataset } from '@doppel/core/dataset';
import {
  LATENT_RULES,
  type LatentGenerator,
  type PatchStack,
  patchAt,
  reconstruction,
  type SampleTask,
  samplePatches,
} from '@doppel/core/generator';
import { preparePatch } from '@doppel/core/prepare';
import { encodePatch } from '@doppel/core/raster';
import { patchGrid } from '@doppel/report';
import { command, type Outcome } from '../../command.ts';
import { BACKEND_FLAG } from '../../context.ts';
import { choice, number, text, type Values, whole } from '../../flags.ts';
import { GENERATOR_FLAG } from '../../generator_flag.ts';
import { openGeneratorFile } from '../../open_generator.ts';
import { ensureWritable, writeTogether } from '../../write_together.ts';

const DEFAULTS = { rule: 'sample', strength: 1 } as const;

const flags = {
  ...GENERATOR_FLAG,
  out: text('folder', 'Folder of the picture and the patches'),
  count: whole(1, 'Patches to make').max(10_000).default(16),
  seed: whole(0, 'Seed of the codes').default(1),
  data: text('folder', 'Data set of the patches that --around or --between name').optional(),
  around: text('id', 'Make variants of the SAR patch of this pair').optional(),
  rule: choice(LATENT_RULES, `How its code is moved; default ${DEFAULTS.rule}`).optional(),
  strength: number(`How far it is moved; by sigma, in equal steps up to this; default ${DEFAULTS.strength}`).optional(),
  between: text('id', 'Go from the SAR patch of this pair …').optional(),
  and: text('id', '… to that of this one').optional(),
};
type Flags = Values<typeof flags>;

export default command({
  name: 'doppel generator sample',
  flags: { ...flags, ...BACKEND_FLAG },
  examples: [
    'doppel generator sample --generator runs/g/checkpoints/last.safetensors --out samples --count 64',
    'doppel generator sample --generator last.safetensors --out near --data data/a --around 020/0-0 --strength 0.5',
    'doppel generator sample --generator last.safetensors --out path --data data/a --between 020/0-0 --and 031/2-4',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { store } = context;
    const { count } = args;
    refuseMixed(args);
    await ensureWritable(store, args.out);
    const { name: backend } = await context.selectBackend(args);
    const generator = await openGeneratorFile(store, args.generator);
    try {
      const source = args.data === undefined ? undefined : await openDataset(store, args.data);
      const { task, shown, facts } = await taskOf(args, generator, source);
      const made = await samplePatches(generator, task);
      const grid = patchGrid(
        [shown && (await withReconstructions(generator, shown)), made].filter((it) => it !== undefined),
        {
          side: made.side,
          columns: Math.ceil(Math.sqrt(count)),
        },
      );
      const { fingerprint } = generator.info;
      const about = {
        generator: fingerprint,
        count,
        ...facts,
        values: 'prepared by the normalisation of the generator',
      };
      await writeTogether(store, args.out, filesOf(made, grid, about));
      const picture = joinPath(args.out, 'samples.png');
      return {
        json: { ...about, out: args.out, picture, backend },
        text: `${count} patches in ${joinPath(args.out, 'patches')}\npicture: ${picture}`,
      };
    } finally {
      generator.dispose();
    }
  },
});

function refuseMixed({ around, between, and, data, rule, strength }: Flags): void {
  const refuse = (expected: string, found: string): never => {
    const remedy = 'See `doppel generator sample --help`.';
    throw new UsageError({ action: 'make patches', expected, found, remedy });
  };
  if (around !== undefined && between !== undefined) refuse('--around or --between', 'both');
  if ((between === undefined) !== (and === undefined)) refuse('--between ID --and ID', 'only one of the two');
  if ((around ?? between) !== undefined && data === undefined)
    refuse('the data set of the named pairs by --data', 'none');
  if (around === undefined && (rule ?? strength) !== undefined)
    refuse('a patch by --around', '--rule or --strength alone');
}

/** Sampling task, the real patches that it starts from, and the fields of the JSON that describe both. */
async function taskOf(
  flags: Flags,
  generator: LatentGenerator,
  source: Dataset | undefined,
): Promise<{ task: SampleTask; shown?: PatchStack; facts: object }> {
  const { count, seed } = flags;
  const { side, normalisation } = generator.info;
  const prepared = async (id: string) => {
    const record = indexOf(source!, id, flags.data!);
    const patch = preparePatch(await source!.readSar(record), 'sar', normalisation, source!.records[record]!.sar);
    return { record, patch };
  };
  if (flags.around !== undefined) {
    const { record, patch } = await prepared(flags.around);
    const { rule = DEFAULTS.rule, strength = DEFAULTS.strength } = flags;
    return {
      task: { kind: 'around', count, seed, rule, strength, patch, record },
      shown: { data: patch, side, count: 1 },
      facts: { kind: 'around', around: flags.around, rule, strength, seed },
    };
  }
  if (flags.between !== undefined) {
    const [{ patch: from }, { patch: to }] = [await prepared(flags.between), await prepared(flags.and!)];
    return {
      task: { kind: 'between', count, from, to },
      shown: { data: Float32Array.from([...from, ...to]), side, count: 2 },
      facts: { kind: 'between', between: [flags.between, flags.and] },
    };
  }
  return { task: { kind: 'prior', count, seed }, facts: { kind: 'prior', seed } };
}

function indexOf({ records }: Dataset, id: string, data: string): number {
  const index = records.findIndex((record) => record.id === id);
  if (index >= 0) return index;
  throw new UsageError({
    action: 'make patches',
    expected: `the id of a pair of ${data}`,
    found: `"${id}"`,
    remedy: `Ids stand in ${joinPath(data, 'pairs.jsonl')}, such as "${records[0]?.id}".`,
  });
}

/** Real patches followed by their reconstructions. */
async function withReconstructions(generator: LatentGenerator, real: PatchStack): Promise<PatchStack> {
  const parts = [real.data];
  for (let row = 0; row < real.count; row++) parts.push((await reconstruction(generator, patchAt(real, row))).data);
  const data = new Float32Array(2 * real.data.length);
  parts.reduce((at, part) => {
    data.set(part, at);
    return at + part.length;
  }, 0);
  return { data, side: real.side, count: 2 * real.count };
}

function filesOf(made: PatchStack, grid: Uint8Array, about: object): Map<string, Uint8Array | string> {
  const { side, count } = made;
  const files = new Map<string, Uint8Array | string>([
    ['samples.png', grid],
    ['samples.json', `${JSON.stringify(about, null, 1)}\n`],
  ]);
  for (let row = 0; row < count; row++) {
    const data = patchAt(made, row).slice();
    const { bytes, extension } = encodePatch({ data, width: side, height: side, bands: 1, unit: 'digital number' });
    files.set(`patches/${String(row + 1).padStart(4, '0')}.${extension}`, bytes);
  }
  return files;
}
