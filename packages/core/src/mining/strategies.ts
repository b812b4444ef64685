/** The visible list of mining strategies. A new one is its file, its line here and its tests. */
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { adaptive } from './strategies/adaptive.ts';
import { generated } from './strategies/generated.ts';
import { loss } from './strategies/loss.ts';
import { nearest } from './strategies/nearest.ts';
import { random } from './strategies/random.ts';
import type { Strategy } from './strategy.ts';

export const STRATEGIES = new Map<string, Strategy>();

for (const strategy of [random, loss, nearest, generated, adaptive]) registerStrategy(strategy);

/** @throws Error if the name is taken: a mistake in the program. */
export function registerStrategy(strategy: Strategy): void {
  if (STRATEGIES.has(strategy.name)) throw new Error(`the strategy ${strategy.name} is registered already`);
  STRATEGIES.set(strategy.name, strategy);
}

/** @throws UsageError if there is none of the name. */
export function strategyNamed(name: string): Strategy {
  const strategy = STRATEGIES.get(name);
  if (strategy) return strategy;
  throw new UsageError({
    action: 'mine hard negatives',
    expected: `a strategy: ${[...STRATEGIES.keys()].join(', ')}`,
    found: name,
  });
}

/** Settings of a strategy by name, for flags and configurations. */
export function settingsShapeOf({ name, settings }: Strategy): z.ZodRawShape {
  if (settings instanceof z.ZodObject) return settings.shape;
  throw new Error(`the settings of the strategy ${name} are no zod object`);
}
