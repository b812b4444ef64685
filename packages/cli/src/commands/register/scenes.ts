/** `doppel register`: tie points between a SAR and an optical scene, a judged correction and an aligned scene. */
import { refuseFilled } from '@doppel/core/node';
import { registerPair } from '@doppel/core/registration';
import { command } from '../../command.ts';
import { text } from '../../flags.ts';
import { DATETIME_FLAG, PAIR_FLAGS, taskFrom, withTools } from './pair_flags.ts';
import { summaryText } from './summary.ts';

export default command({
  name: 'doppel register scenes',
  flags: {
    sar: text('file', 'SAR scene: GeoTIFF, or another image with its place'),
    optical: text('file', 'Optical scene'),
    out: text('folder', 'Folder of the result; it appears when all is done'),
    datetime: DATETIME_FLAG,
    ...PAIR_FLAGS,
  },
  examples: [
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered',
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered --radius 600m --rotation 5 --scale 0.05',
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered --align sar --resampling lanczos --json',
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered --geotransform-only',
  ],
  async run({ args, context }) {
    const { sar, optical, out, force } = args;
    await refuseFilled(context.store, out, force);
    const { registration, summary } = await withTools(context, args, (tools) =>
      context.work({ label: 'register', unit: 'cells' }, (watch) =>
        registerPair(tools, { ...taskFrom(args), sar, optical, out }, watch),
      ),
    );
    return {
      json: summary,
      text: summaryText(registration, summary),
      exitCode: registration.status === 'trusted' ? 0 : 1,
    };
  },
});
