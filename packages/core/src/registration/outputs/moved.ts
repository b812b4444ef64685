/** The scene that moves onto the other, and what a tie point says of both. */
import type { GroundPosition, PixelPosition, TiePoint } from '../registration.ts';

export const SIDES = ['optical', 'sar'] as const;
export type Side = (typeof SIDES)[number];

export interface Moved {
  readonly side: Side;
  /** Pixel of the file that moves. */
  pixel(point: TiePoint): PixelPosition | undefined;
  /** Pixel of the file that stays. */
  fixedPixel(point: TiePoint): PixelPosition | undefined;
  /** Ground by the file that stays. */
  fixedGround(point: TiePoint): GroundPosition | undefined;
}

const OPTICAL: Moved = {
  side: 'optical',
  pixel: ({ optical }) => optical,
  fixedPixel: ({ optical, sar }) => optical && sar,
  fixedGround: ({ optical, sarGround }) => optical && sarGround,
};

const SAR: Moved = {
  side: 'sar',
  pixel: ({ sar, optical }) => optical && sar,
  fixedPixel: ({ optical }) => optical,
  fixedGround: ({ opticalGround }) => opticalGround,
};

export const movedBy = (side: Side): Moved => (side === 'optical' ? OPTICAL : SAR);
