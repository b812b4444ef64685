/** Settings of a job: those of a registration, and of what is written. */
import { type OutputOptions, outputOptions, outputSettings, registrationSettings } from '@doppel/core/registration';
import { z } from 'zod';
import { explain, problemError } from '../problem.ts';
import { foundBySchema } from '../schema_error.ts';
import type { JobRecord } from './job.ts';

const settingsSchema = z.strictObject({
  ...registrationSettings.shape,
  ...outputSettings.shape,
  /** Takes the scenes as named, even if they look swapped. */
  asNamed: z.boolean().default(false),
});

/** Settings as given, once they are checked. @throws ProblemError (400) */
export function checkedSettings(given: unknown): JobRecord['settings'] {
  const { success, error } = settingsSchema.safeParse(given);
  if (success) return given as JobRecord['settings'];
  const expected = `an object with settings of a registration (${Object.keys(settingsSchema.shape).join(', ')})`;
  throw problemError('malformed-request', explain('use the settings', expected, foundBySchema(error)));
}

export interface JobChoices {
  settings: z.output<typeof registrationSettings>;
  outputs: OutputOptions;
  asNamed: boolean;
}

/** Choices that checked settings make. */
export function choicesOf(given: JobRecord['settings']): JobChoices {
  const all = settingsSchema.parse(given);
  const settings = registrationSettings.strip().parse(given);
  return { settings, outputs: outputOptions(all), asNamed: all.asNamed };
}
