/** Flags that all imports share. */
import { reasonOf } from '@doppel/core/errors';
import { UNITS } from '@doppel/core/raster';
import { z } from 'zod';
import { number, text, whole, yes } from '../../flags.ts';

export const OUT_FLAGS = {
  out: text('folder', 'Folder of the new data set'),
  force: yes('Replace the data set that is there'),
  maxNoData: number('Share of missing pixels up to which a patch is kept', 0, 1).default(0),
  strict: yes('Refuse what would be guessed: units, places, missing values'),
  attribution: z
    .string()
    .optional()
    .meta({ hint: 'text', description: 'Whose data these are; default: a file ATTRIBUTION beside them' }),
};

const unit = (description: string) =>
  z
    .string()
    .transform((given) => UNITS.find((each) => each.toLowerCase() === given.toLowerCase().replace('-', ' ')) ?? given)
    .pipe(z.enum(UNITS))
    .optional()
    .meta({ hint: 'unit', description, expected: `one of ${UNITS.join(', ')}` });

const noData = (of: string) =>
  z
    .array(z.number())
    .min(1)
    .optional()
    .meta({
      hint: 'value,…',
      description: `Samples of the ${of} files, as stored, that are missing besides those the files name`,
      expected: 'one number or several: -9999,0',
    });

/** Numbers from 1 on the command line, from 0 in the program. */
const fromZero = (band: number) => band - 1;

export const SAMPLE_FLAGS = {
  unit: unit(`Unit of the SAR samples: ${UNITS.join(', ')}; default: as the file says`),
  opticalUnit: unit('Unit of the optical samples'),
  noData: noData('SAR'),
  opticalNoData: noData('optical'),
  sarBand: whole(1, 'SAR band, from 1; needed if there are several').transform(fromZero).optional(),
  opticalBands: z
    .array(z.int().min(1).transform(fromZero))
    .refine(({ length }) => length === 1 || length === 3, 'neither one nor three')
    .optional()
    .meta({
      hint: 'r,g,b',
      description: 'One band, or red, green and blue, from 1',
      expected: 'one band, or three, from 1: 4,3,2',
    }),
};

/** A regular expression. @param needsGroup whether it must capture something. */
export const pattern = (description: string, needsGroup: boolean) =>
  z
    .string()
    .transform((given, { addIssue }) => {
      try {
        const groups = new RegExp(`${given}|`).exec('')!.length - 1;
        if (groups > 0 || !needsGroup) return new RegExp(given);
        addIssue('captures nothing');
      } catch (cause) {
        addIssue(reasonOf(cause));
      }
      return z.NEVER;
    })
    .optional()
    .meta({
      hint: 'regexp',
      description,
      expected: needsGroup ? 'a regular expression with a group, such as "(.*)_vv.tif"' : 'a regular expression',
    });
