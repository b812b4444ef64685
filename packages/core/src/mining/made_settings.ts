/** Contradictions among settings of made negatives, which no setting shows by itself. */
import type { z } from 'zod';
import { type MoveRule, needsDonor } from '../generator/moves.ts';
import type { Edit } from '../generator/remake.ts';

export interface MadeSettings {
  rule: MoveRule;
  strength?: number;
  strengths?: number[];
  edit: Edit;
  reconstructions?: boolean;
}

/** Adds an issue for each setting that contradicts the others. */
export function refuseContradictions(settings: MadeSettings, context: z.RefinementCtx): void {
  const { rule, strength, strengths = [], edit, reconstructions } = settings;
  const path = [strength === undefined ? 'strengths' : 'strength'];
  const strange = [strength ?? [], strengths].flat().find((k) => !(k > 0 && k < 1));
  if (needsDonor(rule) && strange !== undefined) {
    const message = `the rule ${rule} takes a share above 0 and below 1, such as 0.25, not ${strange}`;
    context.addIssue({ code: 'custom', path, message });
  }
  if (edit === 'ratio' && reconstructions) {
    context.addIssue({ code: 'custom', path: ['reconstructions'], message: RATIO_OF_ONE });
  }
}

/** Message about reconstructions by ratio. */
export const RATIO_OF_ONE =
  'with edit ratio a reconstruction is the true patch itself, as R(z)/R(z) = 1: leave it out, or make whole patches';
