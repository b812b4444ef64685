/** Loss of correlation maps with its gradients. */
import { type AddonKernel, float } from '../kernel.ts';

export const LOCALISATION_LOSS: readonly AddonKernel[] = [
  {
    name: 'DoppelLocalisationLoss',
    run(backend, { maps, logScale, positive, ignored, rivals }) {
      const [t, w, n, m] = maps!.shape as [number, number, number, number];
      const outputs = { loss: float([]), dmaps: float(maps!.shape), dlogScale: float([1]) };
      const inputs = { maps, logScale, positive, ignored, rivals };
      return backend.run('localisation_loss', inputs, outputs, { t, w, cells: n * m });
    },
  },
];
