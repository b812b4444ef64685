/** Meanings of what may become of a cell, in words for a reader. */
import type { Reason } from '@doppel/core/registration';

export const REASON_TEXT: Record<Reason, string> = {
  used: 'a tie point: used in the fit, or held out to judge it',
  'no data': 'a scene has no samples there',
  flat: 'too little structure to be found again',
  repetitive: 'the template resembles its own surroundings',
  outside: 'the search leaves the optical scene',
  weak: 'correlation too low anywhere in the search',
  ambiguous: 'another place of the search correlates almost as well',
  'at the border of the search': 'the peak lies at the edge of the search: the true place may lie beyond',
  'not confirmed backwards': 'matching back from the optical scene ends elsewhere',
  'rejected by the verifier': 'the matcher calls the two patches different places',
  'off the model': 'too far from where the correction puts it',
};
