/** `metrics.csv` of a generator's run: a row every few steps. */
import { type MetricsTable, parseRows } from '../../runs/run_files.ts';
import type { GeneratorLosses, TrainedNetwork } from './step.ts';

/** Terms of the losses, as `generatorStep` names them; those that an objective lacks stay empty. */
export const LOSS_TERMS = [
  'encoder.reconstruction',
  'encoder.kl',
  'encoder.moments',
  'critic.real',
  'critic.fake',
  'critic.penalty',
  'critic.drift',
  'decoder.adversarial',
  'decoder.reconstruction',
] as const;
export type LossTerm = (typeof LOSS_TERMS)[number];

const COLUMNS = ['step', 'images', 'side', 'alpha', ...LOSS_TERMS, 'imagesPerSecond', 'seconds'] as const;

/** Losses are means since the row before; NaN where there is no such term. */
export type GeneratorRow = Record<(typeof COLUMNS)[number], number>;

export function flatLosses(losses: GeneratorLosses<number>): Partial<Record<LossTerm, number>> {
  const flat: Partial<Record<LossTerm, number>> = {};
  for (const network of Object.keys(losses) as TrainedNetwork[]) {
    for (const [term, value] of Object.entries(losses[network]!)) flat[`${network}.${term}` as LossTerm] = value;
  }
  return flat;
}

export const GENERATOR_METRICS: MetricsTable<keyof GeneratorRow> = {
  columns: COLUMNS,
  digits: { imagesPerSecond: 2, seconds: 1 },
  position: 'step',
};

/** Rows of a run's metrics.csv. @throws FormatError with the line. */
export const parseGeneratorMetrics = (text: string, file: string): GeneratorRow[] =>
  parseRows(GENERATOR_METRICS, text, file);
