/** `doppel data import folder`: patches that are cut already, paired by their names. */
import { UsageError } from '@doppel/core';
import { importFolder } from '@doppel/core/import';
import { command, numberFlag } from '../../command.ts';
import { maxNoDataFlag, OUT_FLAGS, patternFlag, SAMPLE_FLAGS, sampleOptions } from './import_flags.ts';
import { runImport } from './run_import.ts';

export default command({
  meta: { name: 'data import folder', description: 'Take patches that are cut already, paired by their names' },
  args: {
    folder: {
      type: 'positional',
      required: true,
      description: 'Folder of images (sar/1.png and optical/1.png, or 1_s1.png and 1_s2.png)',
    },
    sarPattern: {
      type: 'string',
      valueHint: 'regexp',
      description: 'SAR files; its groups capture what pairs have in common',
    },
    opticalPattern: { type: 'string', valueHint: 'regexp', description: 'Optical files, likewise' },
    group: {
      type: 'string',
      valueHint: 'regexp',
      description: "Captures the place in a pair's name; default: its folder",
    },
    side: { type: 'string', valueHint: 'px', description: 'Width and height; default: those of the first patch' },
    crop: { type: 'boolean', description: 'Take the centre of larger images' },
    ...SAMPLE_FLAGS,
    ...OUT_FLAGS,
  },
  examples: [
    'doppel data import folder patches --unit dB --out runs/data',
    "doppel data import folder sen12 --group '^(ROIs[^/]*/[^/]*)' --out runs/data",
    "doppel data import folder mixed --sar-pattern '(.*)_vv\\.tif' --optical-pattern '(.*)_rgb\\.png' --out runs/data",
  ],
  async run({ args, context }) {
    const [sar, optical] = [
      patternFlag('sar-pattern', args.sarPattern, true),
      patternFlag('optical-pattern', args.opticalPattern, true),
    ];
    if ((sar === undefined) !== (optical === undefined)) {
      throw new UsageError({
        ...{ action: 'pair files by patterns', expected: '--sar-pattern and --optical-pattern', found: 'one of them' },
      });
    }
    const options = {
      patterns: sar && optical && { sar, optical },
      group: patternFlag('group', args.group, false),
      side: numberFlag('side', args.side, { min: 8, integer: true }),
      crop: args.crop ?? false,
      maxNoData: maxNoDataFlag(args.maxNoData),
      ...sampleOptions(args),
    };
    return runImport({
      ...{ context, source: args.folder, unit: 'pairs', flags: args },
      work: (folder, attribution, hooks) =>
        importFolder(context.store, args.folder, folder, { ...options, attribution }, hooks),
    });
  },
});
