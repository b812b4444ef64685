/** The pictures that the run folders of both trainers ask for. */
import type { GeneratorPictures, MatcherPictures } from '@doppel/core/training';
import { patchGrid } from '../pictures/patch_grid.ts';
import { generatorCurves } from './generator_curves.ts';
import { trainingCurves } from './matcher_curves.ts';

export const trainingPictures: MatcherPictures = { curves: trainingCurves };

export const generatorPictures: GeneratorPictures = { curves: generatorCurves, patches: patchGrid };
