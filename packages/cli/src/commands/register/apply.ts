/** `doppel register apply`: corrects other files of a registered scene: other bands, another pixel size, a mask. */

import { UsageError } from '@doppel/core/errors';
import { applyTransform, LATTICES, RESAMPLINGS, readTransform, SIDES } from '@doppel/core/registration';
import { command } from '../../command.ts';
import { choice, text, yes } from '../../flags.ts';

export default command({
  name: 'doppel register apply',
  words: {
    transform: text('file', 'transform.json of a trusted registration'),
    input: text('file', 'File of the same scene'),
  },
  flags: {
    out: text('file', 'Corrected file: a Cloud Optimized GeoTIFF'),
    align: choice(SIDES, 'Scene that the file belongs to: the one that moves').default('optical'),
    resampling: choice(RESAMPLINGS, 'Interpolation; nearest for masks and classes').default('bicubic'),
    lattice: choice(
      LATTICES,
      'Pixels of the result: its size snapped to those of --like, exactly those and their extent, its own',
    ).default('snapped'),
    like: text(
      'file',
      'File whose pixels --lattice snapped and fixed mean; default: the working grid of the registration',
    ).optional(),
    geotransformOnly: yes('Leave pixels alone: correct only the geotransform'),
    force: yes('Replace the result if it is there'),
  },
  examples: [
    'doppel register apply runs/registered/transform.json B08.tif --out B08_aligned.tif',
    'doppel register apply runs/registered/transform.json clouds.tif --out clouds_aligned.tif --resampling nearest',
    'doppel register apply runs/registered/transform.json s1_vv.tif --align sar --like s2.tif --out s1_vv_aligned.tif',
  ],
  async run({ args, context }) {
    const { store } = context;
    const { transform, input, out, force, ...options } = args;
    if (!force && (await store.stat(out))) throw taken(out);
    const correction = await readTransform(store, transform);
    const { registeredShare } = await context.work({ label: 'apply', unit: 'tiles' }, (watch) =>
      applyTransform(store, correction, input, out, options, watch),
    );
    const { status, quality, caveats = [] } = correction;
    const accuracy = quality ? `; ${accuracyText(quality.ce90, registeredShare)}` : '';
    return {
      json: { out, input, transform, status, quality: quality ?? null, registeredShare, caveats },
      text: [`${input} corrected into ${out}${accuracy}`, ...caveats.map((each) => `  ! ${each}`)].join('\n'),
    };
  },
});

/** @param share of the file on the ground that was registered. */
export function accuracyText(ce90: number, share: number): string {
  const accuracy = `CE90 of the correction ${ce90.toFixed(1)} m`;
  if (share === 1) return accuracy;
  const beyond = Math.min(99, Math.max(1, Math.round(100 * (1 - share))));
  return `${accuracy} on the registered ground only: ${beyond} % of the file lies beyond it, where nothing was measured`;
}

const taken = (file: string) =>
  new UsageError({
    ...{ action: `write ${file}`, expected: 'a new file', found: 'one that is there' },
    remedy: 'Name another, or replace it with --force.',
  });
