/** `doppel register`: tie points between a SAR and an optical scene, a judged correction and an aligned scene. */
import { refuseFilled } from '@doppel/core/node';
import { utcTime } from '@doppel/core/raster';
import { registerPair } from '@doppel/core/registration';
import { z } from 'zod';
import { command } from '../../command.ts';
import { text } from '../../flags.ts';
import { PAIR_FLAGS, taskFrom, withTools } from './pair_flags.ts';
import { summaryText } from './summary.ts';

export default command({
  name: 'doppel register scenes',
  flags: {
    sar: text('file', 'SAR scene: GeoTIFF, or another image with its place'),
    optical: text('file', 'Optical scene'),
    out: text('folder', 'Folder of the result; it appears when all is done'),
    datetime: z
      .string()
      .refine((text) => utcTime(text) !== undefined, 'no date with its time')
      .optional()
      .meta({
        hint: 'time',
        description:
          'Acquisition time of the aligned scene, for its STAC item; default: what its file or its name says',
        expected: 'a time as 2020-11-04T10:12:00Z',
      }),
    ...PAIR_FLAGS,
  },
  examples: [
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered',
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered --radius 600m --rotation 5 --scale 0.05',
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered --align sar --resampling lanczos --json',
    'doppel register --sar s1.tif --optical s2.tif --out runs/registered --geotransform-only',
  ],
  async run({ args, context }) {
    const { sar, optical, out, force, datetime } = args;
    const task = taskFrom(args);
    await refuseFilled(context.store, out, force);
    const { registration, summary } = await withTools(context, args, (tools) =>
      context.work({ label: 'register', unit: 'cells' }, (watch) =>
        registerPair(tools, { ...task, sar, optical, out, outputs: { ...task.outputs, datetime } }, watch),
      ),
    );
    return {
      json: summary,
      text: summaryText(registration, summary),
      exitCode: registration.status === 'trusted' ? 0 : 1,
    };
  },
});
