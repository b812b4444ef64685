/** Verdict on a registration in plain words, and its figures as readers see them. */
import type { Registration } from '@doppel/core/registration';
import { plural } from '../page/format.ts';

/** One or two sentences: how good it is at points that no fit has seen, or why it is refused. */
export const verdictText = ({ status, reason, quality }: Registration): string =>
  status === 'trusted' ? trustedText(quality) : refusedText(reason);

function trustedText(quality: Registration['quality']): string {
  if (!quality) return 'Trusted.';
  const { heldOut, ce90, pixel, before } = quality;
  return (
    `Trusted. At ${plural(heldOut, 'point')} that no fit has seen, 90 % of the corrected optical scene lies within ` +
    `${metres(ce90)} (${pixels(ce90 / pixel)}) of the SAR scene; by the files’ own georeferences it was ${metres(before.ce90)}.`
  );
}

const refusedText = (reason: string | undefined) =>
  `Refused: ${reason ?? 'no reason was given'}. No aligned scene was written; do not use the correction.`;

export const signed = (value: number, digits: number) => value.toFixed(digits).replace('-', '−');
export const metres = (value: number) => `${signed(value, Math.abs(value) < 100 ? 1 : 0)} m`;
export const pixels = (value: number) => `${signed(value, 2)} px`;
