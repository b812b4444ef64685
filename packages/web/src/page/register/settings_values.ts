/** Values of the settings of a registration, and what of them the server is sent. */

export interface Settings {
  /** Distance in `unit`, unless the other scene is searched as a whole. */
  radius: number;
  unit: 'px' | 'm';
  anywhere: boolean;
  /** Degrees. */
  rotation: number;
  /** Per cent. */
  scale: number;
  features: 'both' | 'dense' | 'gradients';
  fit: 'auto' | 'shift' | 'similarity' | 'affine' | 'quadratic' | 'spline';
  /** Scene that is moved onto the other. */
  align: 'optical' | 'sar' | 'none';
  resampling: 'bicubic' | 'lanczos' | 'nearest';
}

export const DEFAULTS: Settings = {
  ...{ radius: 64, unit: 'px', anywhere: false, rotation: 0, scale: 0, features: 'both', fit: 'auto' },
  ...{ align: 'optical', resampling: 'bicubic' },
};

/** Settings as the server takes them: those that differ from its defaults, and the radius. */
export function settingsOf({ radius, unit, anywhere, scale, ...others }: Settings): object {
  const changed = Object.entries(others).filter(([name, value]) => value !== DEFAULTS[name as keyof Settings]);
  return {
    radius: anywhere ? 'scene' : `${radius}${unit}`,
    ...(scale !== 0 && { scale: scale / 100 }),
    ...Object.fromEntries(changed),
  };
}
