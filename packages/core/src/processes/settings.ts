/** Settings of a training run on many processes. */
import { z } from 'zod';

export const processesSchema = z.strictObject({
  /** Batch normalisation by the statistics of the whole batch, or of each process's share of it. */
  statistics: z.enum(['synchronised', 'local']).default('synchronised'),
  /** Localisation: the whole batch compared with itself, or each process's share. */
  matrix: z.enum(['gathered', 'local']).default('gathered'),
});
