/** The architectures that a matcher can have: the one list that training, the command line and experiments choose from. */
import { z } from 'zod';
import { Registry } from '../base/registry.ts';
import type { Architecture, MatcherConfig } from './architecture.ts';
import { dense } from './architectures/dense.ts';
import { paper } from './architectures/paper.ts';
import { paperBn } from './architectures/paper_bn.ts';
import { twoChannel } from './architectures/two_channel.ts';

/** Architectures by name. A new one is one line here; a plug-in calls `ARCHITECTURES.add` before a matcher is made or read. */
export const ARCHITECTURES = new Registry<Architecture>('architecture', [paper, paperBn, twoChannel, dense]);

/** The one that is trained unless another is asked for. */
export const DEFAULT_ARCHITECTURE = paperBn.name;

/** Names of the architectures with a stream for each sensor, or of those without. */
export const architecturesWith = (towers: 'towers' | 'no towers'): string[] =>
  ARCHITECTURES.values()
    .filter((each) => (each.towers !== undefined) === (towers === 'towers'))
    .map(({ name }) => name);

/** Accepts the name of an architecture. */
export const architectureName = z.string().refine((name) => ARCHITECTURES.has(name), {
  error: () => `Invalid option: expected one of ${ARCHITECTURES.names().join(', ')}`,
});

/** Accepts the configuration of a matcher, by the rules of the architecture that it names. */
export const matcherConfigSchema = z.looseObject({ preset: architectureName }).transform((given, context) => {
  const parsed = ARCHITECTURES.get(given.preset).config.safeParse(given);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message });
  return z.NEVER;
}) satisfies z.ZodType<MatcherConfig>;
