/** Protocol of the evaluation: what is displaced, how far, and how it is searched for. See docs/registration.md. */
import type { RegistrationOptions } from '../settings.ts';

export interface Level {
  readonly name: string;
  /** Largest shift of the optical georeference along each axis, in pixels. */
  readonly shift: number;
  /** Largest rotation in degrees, either way. */
  readonly rotation: number;
  /** Largest change of scale, as a share. */
  readonly scale: number;
  readonly settings: RegistrationOptions;
  /** Displacements of each scene. */
  readonly draws: number;
}

/** Distance in pixels by which the scenes themselves may be off, added to the radius. */
const OWN = 10;
const radiusOf = (shift: number) => `${Math.ceil(shift * Math.SQRT2 + OWN)}px`;

export const LEVELS: readonly Level[] = [
  // Two draws: their difference is free of the scenes' own misalignment.
  { name: 'level 1', shift: 32, rotation: 0, scale: 0, draws: 2, settings: { radius: radiusOf(32) } },
  {
    ...{ name: 'level 2', shift: 64, rotation: 2, scale: 0.02, draws: 1 },
    settings: { radius: radiusOf(64), rotation: 2, scale: 0.02 },
  },
  {
    ...{ name: 'level 3', shift: 128, rotation: 5, scale: 0, draws: 1 },
    settings: { radius: radiusOf(128), rotation: 5 },
  },
  { name: 'no prior', shift: 512, rotation: 0, scale: 0, draws: 1, settings: { radius: 'scene' } },
];

/** True if a shift alone explains nothing of the level. */
export const isTurned = ({ rotation, scale }: Pick<Level, 'rotation' | 'scale'>): boolean => rotation > 0 || scale > 0;

export const DIFFERENT: Level = { ...LEVELS[0]!, name: 'different places', draws: 1 };

/** A turn and stretch that the settings do not know of: to be found or refused, not to be taken for terrain. */
export const UNTOLD: Level = { ...LEVELS[0]!, name: 'untold turn', rotation: 1, scale: 0.01, draws: 1 };

export const SMALL = {
  level: {
    ...{ name: 'small areas', shift: 20, rotation: 0, scale: 0, draws: 16 },
    settings: { radius: '32px', cells: 3, side: 64, search: 32 },
  } satisfies Level as Level,
  /** Side of an area in pixels: three templates of 64 px, and half a search around them. */
  side: 256,
} as const;
