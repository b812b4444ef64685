/** Architectures of generators: the one list that training and the command line choose from. */
import { z } from 'zod';
import { Registry } from '../base/registry.ts';
import type { GeneratorArchitecture } from './architecture.ts';
import { paper, small } from './architectures/progressive.ts';
import { spatial } from './architectures/spatial.ts';

/** Architectures by name. A new one is one line here; a plug-in calls `GENERATORS.add` before its first use. */
export const GENERATORS = new Registry<GeneratorArchitecture>('generator', [paper, small, spatial]);

/** Default architecture of training. */
export const DEFAULT_GENERATOR = small.name;

/** Accepts the name of an architecture. */
export const generatorName = z.string().refine((name) => GENERATORS.has(name), {
  error: () => `Invalid option: expected one of ${GENERATORS.names().join(', ')}`,
});

/** Objectives of all architectures. */
export const generatorObjectives = (): string[] => [
  ...new Set(GENERATORS.values().flatMap(({ recipe }) => recipe.objectives)),
];
