/** The values of made and of real patches over one axis, as shares of all values. */

import type { ValueFigures } from '@doppel/core/generator';
import { curveStep, line } from 'd3-shape';
import { linearAxis, percent } from '../plots/axis.ts';
import { chart, stroke } from '../plots/chart.ts';
import { INK } from '../plots/svg.ts';

const SERIES = [
  ['generated', 'generated', INK.series[0], undefined],
  ['reconstructed', 'reconstructed', INK.series[1], '2 3'],
  ['real, training', 'training', INK.series[2], undefined],
  ['real, held out', 'heldOut', INK.series[3], '6 3'],
] as const;

export function valuePlot({ histogram, unit }: ValueFigures): string {
  const { low, high } = histogram;
  const top = Math.max(...SERIES.flatMap(([, kind]) => histogram[kind]));
  return chart({
    ...{ width: 480, height: 300 },
    description: 'Shares of the values of generated and of real patches',
    x: linearAxis(unit === 'dB' ? 'Backscatter (dB)' : `Value (${unit})`, [low, high], { ticks: 7 }),
    y: linearAxis('Share of the values', [0, top * 1.08], { ticks: 5, format: (share) => percent(share, 1) }),
    legend: SERIES.map(([name, , color, dash]) => ({ name, color, dash })),
    draw: (area) =>
      SERIES.map(([, kind, color, dash]) => {
        const width = (high - low) / histogram[kind].length;
        const points = histogram[kind].map(
          (share, bin) => [area.x(low + (bin + 0.5) * width), area.y(share)] as [number, number],
        );
        return stroke(line().curve(curveStep)(points) ?? '', color, { 'stroke-width': 1.6, 'stroke-dasharray': dash });
      }),
  });
}
