/** The visible list of kinds of work that run as a batch. */
import { Registry } from '@doppel/core/base';
import type { WorkKind } from './kind.ts';
import { embedKind } from './kinds/embed.ts';
import { experimentKind } from './kinds/experiment.ts';
import { mineKind } from './kinds/mine.ts';
import { registerKind } from './kinds/register.ts';
import { scoreKind } from './kinds/score.ts';

export const KINDS = new Registry<WorkKind>('kind of work', [
  embedKind,
  experimentKind,
  mineKind,
  registerKind,
  scoreKind,
]);
