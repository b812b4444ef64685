/** `doppel data import folder`: patches that are cut already, paired by their names. */
import { UsageError } from '@doppel/core/errors';
import { importFolder } from '@doppel/core/import';
import { command } from '../../command.ts';
import { text, whole, yes } from '../../flags.ts';
import { OUT_FLAGS, pattern, SAMPLE_FLAGS } from './import_flags.ts';
import { runImport } from './run_import.ts';

export default command({
  name: 'doppel data import folder',
  words: { folder: text('folder', 'Folder of images (sar/1.png and optical/1.png, or 1_s1.png and 1_s2.png)') },
  flags: {
    sarPattern: pattern('SAR files; its groups capture what the two files of a pair have in common', true),
    opticalPattern: pattern('Optical files, likewise', true),
    group: pattern("Captures the place in a pair's name; default: its folder", false),
    side: whole(8, 'Width and height in pixels; default: those of the first patch').optional(),
    crop: yes('Take the centre of larger images'),
    ...SAMPLE_FLAGS,
    ...OUT_FLAGS,
  },
  examples: [
    'doppel data import folder patches --unit dB --out runs/data',
    "doppel data import folder sen12 --group '^(ROIs[^/]*/[^/]*)' --out runs/data",
    "doppel data import folder mixed --sar-pattern '(.*)_vv\\.tif' --optical-pattern '(.*)_rgb\\.png' --out runs/data",
  ],
  async run({ args, context }) {
    const { folder: source, sarPattern: sar, opticalPattern: optical, ...options } = args;
    if ((sar === undefined) !== (optical === undefined)) {
      throw new UsageError({
        ...{ action: 'pair files by patterns', expected: '--sar-pattern and --optical-pattern', found: 'one of them' },
      });
    }
    const patterns = sar && optical && { sar, optical };
    return runImport({
      ...{ context, source, unit: 'pairs', flags: args },
      work: (folder, attribution, hooks) =>
        importFolder(context.store, source, folder, { ...options, patterns, attribution }, hooks),
    });
  },
});
