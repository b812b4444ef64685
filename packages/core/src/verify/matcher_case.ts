/** Placeholder until the matcher lands. */
import type { CaseInputs, Outputs, Settings } from './cases.ts';
export function verifyMatcher(_inputs: CaseInputs, _settings: Settings): Outputs {
  throw new Error('matcher not there yet');
}
