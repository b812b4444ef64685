/** `metrics.csv` of a generator's run: a row every few steps, with the losses of its architecture. */
import type { MetricsTable } from '../../runs/run_files.ts';

type Figure = 'step' | 'images' | 'side' | 'alpha' | 'imagesPerSecond' | 'seconds';

/** Figures of a row, and losses by their name: means since the row before, NaN where there is no such term. */
export type GeneratorRow = Record<Figure, number> & { [loss: string]: number };

/** @param losses of the architecture. */
export const generatorMetrics = (losses: readonly string[]): MetricsTable<string> => ({
  columns: ['step', 'images', 'side', 'alpha', ...losses, 'imagesPerSecond', 'seconds'],
  digits: { imagesPerSecond: 2, seconds: 1 },
  position: 'step',
});
