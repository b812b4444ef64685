/** Flags of the settings of a registration: those of core's schema, with the words of the command line. */
import { changedSettings, registrationSettings } from '@doppel/core/registration';
import type { z } from 'zod';
import { kebab } from '../../flags.ts';

type Shape = typeof registrationSettings.shape;

const LENGTH = { hint: '64px|600m|scene', expected: 'a length such as 64px or 600m, or "scene"' };

const WORDS: Record<keyof Shape, { description: string; hint?: string; expected?: string }> = {
  radius: { description: 'Largest error of the georeferences; scene: anywhere', ...LENGTH },
  rotation: { description: 'Largest rotation that is searched for, in degrees' },
  scale: { description: 'Largest difference of scale that is searched for, as a share: 0.05 is 5 %' },
  features: { description: 'What is compared: features of the matcher, oriented gradients, or both as two votes' },
  views: {
    description: 'Symmetries of the square under which the matcher looks: time and memory grow with them',
  },
  fit: { description: 'Model that is fitted; auto: by cross-validation' },
  cells: { description: 'Cells along the longer side of the scene; default: one each 100 pixels, 3 to 45' },
  side: { description: 'Side of a template in pixels' },
  search: { description: 'Distance from the coarse place within which a template is searched for, in pixels' },
  resolution: { description: 'Pixel of the working grid; default: that of the coarser file' },
  sarUnit: { description: 'Unit of the SAR samples; default: what the file says, else amplitude' },
  sarBand: { description: 'Band of the SAR file, from 1' },
  opticalBands: {
    description: 'Bands of the optical file, from 1: one, or red, green and blue; default: the first three',
  },
  leastPeak: { description: 'Correlation below which a peak is weak' },
  mostRatio: { description: 'Second peak over the first, above which a place is ambiguous' },
  mostBackward: { description: 'Pixels by which the match back may miss' },
  tolerance: { description: 'Pixels by which both kinds of features may differ' },
  leastProbability: { description: 'Probability of the same place below which the verifier rejects' },
  seed: { description: 'Seed of all that is drawn' },
};

/** Flags by the names of the settings. */
export const SETTINGS_FLAGS = Object.fromEntries(
  Object.entries(registrationSettings.shape).map(([name, schema]) => [
    name,
    (schema as z.ZodType).meta(WORDS[name as keyof Shape]),
  ]),
) as unknown as Shape;

/** Settings other than the defaults, as they are typed. */
export const changedFlags = (values: Readonly<Record<string, unknown>>): string[] =>
  changedSettings(values).map(([name, value]) => `--${kebab(name)} ${value}`);
