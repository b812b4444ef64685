/**
 * A page of pairs with their correlation maps: where in an optical window a matcher sees the place of a SAR patch, of its
 * look-alike, and of a patch that lies some pixels off.
 */
import type { PairScore } from '@doppel/core';
import type { Raster } from '@doppel/core/raster';
import { fraction, percentage } from '../page/format.ts';
import { facts, paragraph, section } from '../page/html.ts';
import { STYLE } from '../page/style.ts';
import { dataUri, pictureOf } from '../pictures/picture.ts';
import { escapeText } from '../plots/svg.ts';
import { VIRIDIS_GRADIENT } from '../plots/viridis.ts';
import { type Heat, heatMap } from './heat_map.ts';

export interface MappedPatch {
  kind: 'true' | 'look-alike' | 'shifted';
  id: string;
  sar: Raster;
  /** Correlations, the pixels from one to the next, and those from the middle within which the score looks. */
  map: Heat & { readonly stride: number; readonly radius: number };
  score: PairScore;
}

export interface MappedPair {
  id: string;
  window: Raster;
  patches: readonly MappedPatch[];
}

export interface CorrelationReport {
  /** One at least. */
  pairs: readonly MappedPair[];
  model: { file: string; fingerprint: string };
  data: { folder: string; fingerprint: string; split: string; alignment: string; attribution?: string | undefined };
  /** Pixels of the search in each direction, and of the shift. */
  search: number;
  shift: number;
  seed: number;
  run: { backend: string; date: Date; version: string };
}

const LOOKS = `
.searches { display: grid; gap: 20px; padding: 0; list-style: none; margin: 0; }
.searches > li { display: grid; grid-template-columns: repeat(4, 1fr); gap: 14px; max-width: none; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px; break-inside: avoid; }
.searches figure { margin: 0; font-size: .8125rem; font-variant-numeric: tabular-nums; }
.searches svg, .searches img { width: 100%; display: block; aspect-ratio: 1; image-rendering: pixelated; border-radius: 4px; background: #0003; }
.searches .sar { width: 62%; margin: 0 auto 8px; }
.searches .window { margin-bottom: 8px; }
.searches strong.wrong { color: var(--wrong); } .searches strong.match { color: var(--match); }
.searches .ids { color: var(--soft); overflow-wrap: anywhere; }
.scale { height: 12px; max-width: 300px; border-radius: 4px; background: ${VIRIDIS_GRADIENT}; }
.scale-ends { display: flex; justify-content: space-between; max-width: 300px; font-size: .8125rem; color: var(--soft); }
@media (max-width: 700px) { .searches > li { grid-template-columns: 1fr 1fr; } }
`;

const NAMES = { true: 'the place itself', 'look-alike': 'look-alike', shifted: 'shifted' } as const;

/** The page as HTML in one file. */
export function correlationHtml(report: CorrelationReport): string {
  const { pairs, search, shift } = report;
  const radius = pairs[0]!.patches[0]!.map.radius;
  const range = rangeOf(pairs);
  const title = 'Where the matcher sees the place';
  const lead =
    `Each SAR patch is searched for in an optical window, up to ${search} px in each direction. Of its own place the map has a peak in the middle; ` +
    `of a patch ${shift} px off, ${shift} px from it; of a look-alike, nowhere. The pair's score is the highest correlation inside the circle (${radius} px); the cross marks the highest of all.`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${title}</title><style>${STYLE}${LOOKS}</style></head><body>`,
    `<header><h1>${title}</h1>${paragraph(lead, 'lead')}</header><main>`,
    measured(report),
    section(
      'pairs',
      'Pairs',
      paragraph(
        `Drawn at random (seed ${report.seed}), not chosen. One scale of colours for all maps: normalised cross-correlation.`,
        'soft',
      ),
      `<div class="scale"></div><div class="scale-ends"><span>${fraction(range[0])}</span><span>${fraction(range[1])}</span></div><br>`,
      `<ol class="searches">${pairs.map((pair) => card(pair, range, report)).join('')}</ol>`,
    ),
    `</main><footer>${report.data.attribution ? paragraph(report.data.attribution) : ''}${paragraph(`Made by doppel ${report.run.version}.`)}</footer>`,
    '</body></html>\n',
  ].join('\n');
}

function rangeOf(pairs: readonly MappedPair[]): [number, number] {
  let [low, high] = [0, 0.01];
  for (const { patches } of pairs) {
    for (const { map } of patches) {
      for (let i = 0; i < map.values.length; i++) {
        low = Math.min(low, map.values[i]!);
        high = Math.max(high, map.values[i]!);
      }
    }
  }
  return [low, high];
}

function measured({ model, data, run, pairs }: CorrelationReport): string {
  const code = (text: string) => `<code>${escapeText(text)}</code>`;
  const called = (kind: MappedPatch['kind']) => {
    const all = pairs.flatMap(({ patches }) => patches.filter((each) => each.kind === kind));
    return `${all.filter(({ score }) => score.match).length} of ${all.length}`;
  };
  return section(
    'measured',
    'What was measured',
    facts([
      ['Matcher', `${code(model.file)} ${code(model.fingerprint.slice(0, 12))}`],
      ['Data set', `${code(data.folder)} ${code(data.fingerprint.slice(0, 12))}`],
      ['Split, alignment', escapeText(`${data.split}, ${data.alignment}`)],
      ['Called a match: true pairs', called('true')],
      ['look-alikes', called('look-alike')],
      ['shifted', called('shifted')],
      ['Backend', escapeText(run.backend)],
      ['Date', `<time datetime="${run.date.toISOString()}">${run.date.toISOString().slice(0, 10)}</time>`],
    ]),
  );
}

function card({ id, window, patches }: MappedPair, range: [number, number], report: CorrelationReport): string {
  const optical =
    `<figure>${windowPicture(window, report.search)}<figcaption>optical window; the patch is framed` +
    `<div class="ids">${escapeText(id)}</div></figcaption></figure>`;
  return `<li>${optical}${patches.map((patch) => patchFigure(patch, range, report)).join('')}</li>`;
}

function windowPicture(window: Raster, search: number): string {
  const { width, height } = window;
  return (
    `<svg class="window" viewBox="0 0 ${width} ${height}" role="img" aria-label="optical window">` +
    `<image href="${dataUri(pictureOf(window))}" width="${width}" height="${height}"/>` +
    `<rect x="${search}" y="${search}" width="${width - 2 * search}" height="${height - 2 * search}" fill="none" stroke="#fff" stroke-width="1"/></svg>`
  );
}

function patchFigure(patch: MappedPatch, range: [number, number], { search }: CorrelationReport): string {
  const { kind, id, sar, map, score } = patch;
  const peak = peakOf(map);
  const [right, down] = [peak.column * map.stride - search, peak.row * map.stride - search];
  const isWrong = score.match !== (kind === 'true');
  const verdict = `<strong class="${isWrong ? 'wrong' : 'match'}">${score.match ? 'match' : 'no match'}, ${percentage(score.probability)}</strong>`;
  const where = `peak ${fraction(peak.value)} at ${right} right, ${down} down`.replace(/-/g, '−');
  return (
    `<figure><img class="sar" src="${dataUri(pictureOf(sar))}" alt="SAR patch: ${NAMES[kind]}">` +
    `${mapPicture(map, range, { peak, search, name: NAMES[kind] })}` +
    `<figcaption>${NAMES[kind]}: ${verdict}<br>${where}<div class="ids">${escapeText(id)}</div></figcaption></figure>`
  );
}

interface Marks {
  peak: { row: number; column: number };
  search: number;
  name: string;
}

/** The map in pixels of the scene, with the pair head's circle and a cross on the peak. */
function mapPicture(map: MappedPatch['map'], range: [number, number], { peak, search, name }: Marks): string {
  const { width, height, stride, radius } = map;
  const [w, h] = [width * stride, height * stride];
  const half = stride / 2;
  const [x, y] = [peak.column * stride + half, peak.row * stride + half];
  const centre = search + half;
  return (
    `<svg viewBox="0 0 ${w} ${h}" role="img" aria-label="correlation map of ${name}">` +
    `<image href="${dataUri(heatMap(map, range))}" width="${w}" height="${h}" style="image-rendering:pixelated"/>` +
    `<circle cx="${centre}" cy="${centre}" r="${radius + half}" fill="none" stroke="#fff" stroke-width=".6"/>` +
    `<path d="M${x - 2} ${y}h4M${x} ${y - 2}v4" stroke="#f00" stroke-width=".8" fill="none"/></svg>`
  );
}

function peakOf({ values, width }: Heat): { row: number; column: number; value: number } {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return { row: Math.floor(best / width), column: best % width, value: values[best]! };
}
