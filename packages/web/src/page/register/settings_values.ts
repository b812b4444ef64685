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
}

export const DEFAULTS: Settings = {
  ...{ radius: 64, unit: 'px', anywhere: false, rotation: 0, scale: 0, features: 'both', fit: 'auto' },
};

/** Settings as the server takes them: those that differ from its defaults, and the radius. */
export function settingsOf({ radius, unit, anywhere, rotation, scale, features, fit }: Settings): object {
  return {
    radius: anywhere ? 'scene' : `${radius}${unit}`,
    ...(rotation !== 0 && { rotation }),
    ...(scale !== 0 && { scale: scale / 100 }),
    ...(features !== 'both' && { features }),
    ...(fit !== 'auto' && { fit }),
  };
}
