/** The training curves of a generator's run, as SVG. */

import type { GeneratorRow } from '@doppel/core/training';
import { lineChart } from '../plots/plots.ts';

/** SVG by the plot's name. Sums over pixels jump where the side of the patches doubles. */
export function generatorCurves(rows: readonly GeneratorRow[]): Record<string, string> {
  const lost = (row: GeneratorRow, term: string) => row[term] ?? Number.NaN;
  const points = (value: (row: GeneratorRow) => number) =>
    rows.map((row): [number, number] => [row.images / 1000, value(row)]);
  const xLabel = 'Patches (thousands)';
  return {
    critic: lineChart({
      title: 'Critic: real against generated',
      ...{ xLabel, yLabel: 'D(real) − D(fake)' },
      series: [
        {
          name: 'estimated Wasserstein distance',
          points: points((row) => lost(row, 'critic.real') - lost(row, 'critic.fake')),
        },
      ],
    }),
    encoder: lineChart({
      title: "The encoder's loss",
      ...{ xLabel, yLabel: 'Loss', yScale: 'log' },
      series: [
        { name: 'reconstruction', points: points((row) => lost(row, 'encoder.reconstruction')) },
        { name: 'KL', points: points((row) => lost(row, 'encoder.kl')) },
      ],
    }),
  };
}
