/** Gamma likelihood of intensities with its gradient. */
import { type AddonKernel, float, sizeOf } from '../kernel.ts';

export const GAMMA_LIKELIHOOD: readonly AddonKernel[] = [
  {
    name: 'DoppelGammaLikelihood',
    run(backend, { logReflectivity, intensity }) {
      const outputs = { loss: float([]), dlogReflectivity: float(logReflectivity!.shape) };
      const count = sizeOf(logReflectivity!.shape);
      return backend.run('gamma_likelihood', { logReflectivity, intensity }, outputs, { count });
    },
  },
];
