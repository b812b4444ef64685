/** Choice of a model by the query parameter `model`; default: the first that the server was given. */
import { z } from '@hono/zod-openapi';
import { problemError } from '../problem.ts';
import type { Models } from '../scoring/models.ts';
import type { ScoringService } from '../scoring/scoring_service.ts';
import { notReady } from './answers.ts';

export const modelQuery = z.object({
  model: z.string().optional().openapi({ description: 'Name of a model; default: the first that is served' }),
});

/** Name of the model that a request means. @throws ProblemError (404) if there is none. */
export function chosenModel(models: Models, name = models.defaultName): string {
  if (models.find(name)) return name;
  const known = models.names.join(', ');
  throw problemError('not-found', {
    ...{ detail: `There is no model "${name.slice(0, 64)}". The models are ${known}.` },
    ...{ expected: known, found: name.slice(0, 64) },
  });
}

/** Model of this name. @throws ProblemError (503) if it cannot score now. */
export function readyModel(models: Models, name: string): ScoringService {
  const scoring = models.find(name);
  if (!scoring?.ready()) throw notReady();
  return scoring;
}
