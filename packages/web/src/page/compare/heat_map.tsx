/** The correlation map as a heat map: how well the pair agrees where one of the patches is moved. */

import { VIRIDIS_GRADIENT, viridis } from '@doppel/report';
import { useMemo } from 'preact/hooks';
import { PictureView } from '../frame/picture.tsx';
import type { Correlation } from '../worker/correlation.ts';
import { peakOf, rangeOf } from './correlation_peak.ts';

export function HeatMap({ correlation }: { correlation: Correlation }) {
  const { width, height, values, reach, radius, stride } = correlation;
  const peak = peakOf(correlation);
  const [low, high] = rangeOf(values);
  const picture = useMemo(() => heatPicture(correlation), [correlation]);
  const percent = (pixels: number) => `${(100 * (pixels + reach + stride / 2)) / (2 * reach + stride)}%`;
  const text = `Highest correlation ${peak.value.toFixed(2)}, ${offsetText(peak.right, peak.down)}`;
  return (
    <figure class="heat">
      <div class="field">
        <PictureView picture={picture} label={`Correlation map, ${width} × ${height} values. ${text}`} />
        <span class="peak" style={{ left: percent(peak.right), top: percent(peak.down) }} />
        {radius < reach && (
          <span class="radius" style={{ width: `${(100 * (2 * radius + stride)) / (2 * reach + stride)}%` }} />
        )}
      </div>
      <div class="scale" aria-hidden="true">
        <span>{low.toFixed(2)}</span>
        <span class="bar" style={{ background: VIRIDIS_GRADIENT }} />
        <span>{high.toFixed(2)}</span>
      </div>
      <figcaption>
        {text}. The optical patch is moved by up to {reach} px each way
        {radius < reach ? `; the score takes the peak inside the ring (${radius} px).` : '.'}
      </figcaption>
    </figure>
  );
}

function heatPicture({ values, width, height }: Correlation) {
  const [low, high] = rangeOf(values);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (const [i, value] of values.entries()) rgba.set([...viridis((value - low) / (high - low)), 255], i * 4);
  return { width, height, rgba };
}

function offsetText(right: number, down: number): string {
  if (right === 0 && down === 0) return 'right where the patches lie';
  const parts = [
    right !== 0 && `${Math.abs(right)} px ${right > 0 ? 'right' : 'left'}`,
    down !== 0 && `${Math.abs(down)} px ${down > 0 ? 'down' : 'up'}`,
  ];
  return `${parts.filter(Boolean).join(', ')} of where the patches lie`;
}
