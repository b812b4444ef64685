/** Reparameterisation with its divergence, forward and backward. */
import { type AddonKernel, float } from '../kernel.ts';

export const REPARAMETERIZE: readonly AddonKernel[] = [
  {
    name: 'DoppelReparameterize',
    run(backend, { mu, logvar, eps }, { seed, offset }) {
      const [n, d] = mu!.shape as [number, number];
      const outputs = { z: float([n, d]), kl: float([n]), epsOut: float([n, d]) };
      return backend.run('reparameterize', { mu, logvar, eps }, outputs, { n, d, seed, offset });
    },
  },
  {
    name: 'DoppelReparameterizeBackprop',
    run(backend, { dz, dkl, mu, logvar, eps }) {
      const [n, d] = mu!.shape as [number, number];
      const outputs = { dmu: float([n, d]), dlogvar: float([n, d]) };
      return backend.run('reparameterize_backprop', { dz, dkl, mu, logvar, eps }, outputs, { n, d });
    },
  },
];
