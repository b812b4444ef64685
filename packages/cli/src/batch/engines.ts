/** The visible list of engines that run plans. */
import { Registry } from '@doppel/core/base';
import type { Engine } from './engine.ts';
import { kubernetes } from './engines/kubernetes.ts';
import { local } from './engines/local.ts';
import { slurm } from './engines/slurm.ts';

export const ENGINES = new Registry<Engine>('engine', [slurm, kubernetes, local]);
