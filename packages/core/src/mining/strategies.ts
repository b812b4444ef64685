/** The visible list of mining strategies. A new one is its file, its line here and its tests. */
import { z } from 'zod';
import { Registry } from '../base/registry.ts';
import { adaptive } from './strategies/adaptive.ts';
import { blocks } from './strategies/blocks.ts';
import { generated } from './strategies/generated.ts';
import { loss } from './strategies/loss.ts';
import { nearest } from './strategies/nearest.ts';
import { placebo } from './strategies/placebo.ts';
import { random } from './strategies/random.ts';
import type { Strategy } from './strategy.ts';

export const STRATEGIES = new Registry<Strategy>('strategy', [
  random,
  loss,
  nearest,
  generated,
  adaptive,
  blocks,
  placebo,
]);

/** Settings of a strategy by name, for flags and configurations. */
export function settingsShapeOf({ name, settings }: Strategy): z.ZodRawShape {
  if (settings instanceof z.ZodObject) return settings.shape;
  throw new Error(`the settings of the strategy ${name} are no zod object`);
}
