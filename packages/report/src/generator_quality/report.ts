/**
 * The report on a generator: one HTML page that needs nothing else. Every figure stands beside the same one for real
 * patches against real patches; figures alone say nothing.
 */

import type { Beside, GeneratorQuality, LooksSummary, Memorisation } from '@doppel/core/generator';
import { count, fraction, percentage } from '../page/format.ts';
import { facts, figure, list, paragraph, section, table } from '../page/html.ts';
import { STYLE } from '../page/style.ts';
import { escapeText } from '../plots/svg.ts';
import { barChart } from './bar_chart.ts';

import type { PicturePair, QualityPictures } from './pictures.ts';
import { valuePlot } from './value_plot.ts';

export interface QualityReport {
  quality: GeneratorQuality;
  generator: { file: string; fingerprint: string; side: number; latent: number; preset?: string; objective?: string };
  matcher: { file: string; fingerprint: string; preset: string } | null;
  data: { folder: string; fingerprint: string; attribution?: string };
  run: { backend: string; device?: string; date: Date; version: string };
  pictures: QualityPictures;
}

const TILES = `
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 6px; margin: 0 0 1.4em; }
.tiles img { width: 100%; aspect-ratio: 1; display: block; border-radius: 4px; image-rendering: pixelated; background: #0003; }
`;

export function qualityHtml(report: QualityReport): string {
  const { quality, generator, data, pictures } = report;
  const title = `Quality of the generator ${generator.preset ?? ''} on ${data.folder}, ${quality.split}`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeText(title)}</title><style>${STYLE}${TILES}</style></head><body>`,
    `<header><h1>Are the made patches like real radar?</h1>${paragraph(leadOf(quality), 'lead')}</header>`,
    '<main>',
    headlines(quality),
    notes(quality),
    measured(report),
    samples(pictures),
    distances(quality),
    plots(quality),
    looks(quality),
    varied(quality),
    copies(quality, pictures),
    section(
      'reconstructions',
      'Reconstructions',
      paragraph('Training patches on the left, what encoder and decoder make of them on the right.', 'soft'),
      pairs(pictures.reconstructions),
    ),
    method(quality),
    '</main>',
    footer(report),
    '</body></html>\n',
  ].join('\n');
}

const short = (value: number) =>
  Number.isFinite(value) ? String(Number(value.toPrecision(3))).replace('-', '−') : '–';
const times = (ratio: number | null) => (ratio === null ? '–' : `${ratio.toFixed(2)}×`);

function leadOf({ slicedWasserstein, count: patches }: GeneratorQuality): string {
  const { heldOut, learned } = slicedWasserstein.mean;
  const start = `${count(patches)} generated patches, beside as many real ones:`;
  const far = (ratio: number | null) =>
    ratio === null ? 'at a distance that real ones do not have at all' : `${ratio.toFixed(2)} times as far`;
  return (
    `${start} their neighbourhoods are ${far(heldOut.ratio)} from real patches of places never seen as those are from each other, ` +
    `and ${far(learned.ratio)} from training patches as those are.`
  );
}

function headlines({
  slicedWasserstein,
  kernelDistance,
  values,
  looks,
  diversity,
  memorisation,
}: GeneratorQuality): string {
  const items: [name: string, value: string, beside: string][] = [
    headline('Sliced Wasserstein', slicedWasserstein.mean),
    ...(kernelDistance ? [headline('Kernel distance', kernelDistance)] : []),
    headline('Values', values, ` ${values.unit}`),
    ...(looks
      ? [['Looks', lookText(looks.generated), `real ${lookText(looks.heldOut)}`] as [string, string, string]]
      : []),
    ['Alikeness (MS-SSIM)', fraction(diversity.generated.mean), `real ${fraction(diversity.heldOut.mean)}`],
    [
      'Copies',
      percentage(memorisation.patterns.copies),
      `nearer than 99 % of real: ${percentage(memorisation.patterns.closer)}`,
    ],
  ];
  const html = items.map(
    ([name, value, note]) =>
      `<li><span class="name">${escapeText(name)}</span><span class="value">${escapeText(value)}</span><span class="interval">${escapeText(note)}</span></li>`,
  );
  return `<ul class="headlines" aria-label="Headline figures">${html.join('')}</ul>`;
}

/** The ratio where there is one, else the distance; beside it the stricter ratio. */
function headline(name: string, { heldOut, learned }: Beside, unit = ''): [name: string, value: string, note: string] {
  const note = `${short(heldOut.generated)}, real ${short(heldOut.real)}${unit}; learned ${times(learned.ratio)}`;
  return [name, heldOut.ratio === null ? short(heldOut.generated) : times(heldOut.ratio), note];
}

const lookText = ({ median }: LooksSummary) => (median === null ? '–' : median.toFixed(1));

/** Sentence on the scale of the values. */
function scaleNote({ scale }: GeneratorQuality): string | undefined {
  if (scale.kind === 'known') return undefined;
  return (
    `Each patch was standardised by its own mean and deviation, so that a generator never learned the brightness or the contrast of patches. For values and looks, all patches, ` +
    `real ones too, are given one typical scale (mean ${short(scale.mean)}, standard deviation ${short(scale.std)} ${scale.unit}): how values are spread within patches is compared, and nothing else.`
  );
}

function notes(quality: GeneratorQuality): string {
  const scale = scaleNote(quality);
  const all = [
    ...quality.warnings,
    ...quality.notMeasured.map(({ figure: name, reason }) => `Not measured: ${NAMES[name] ?? name}. ${reason}`),
    ...(scale ? [scale] : []),
  ];
  if (all.length === 0) return '';
  return `<aside class="notes" aria-labelledby="notes"><h2 id="notes">To keep in mind</h2>${list(all)}</aside>`;
}

const NAMES: Record<string, string> = { kernelDistance: 'kernel distance', looks: 'number of looks' };

function measured({ quality, generator, matcher, data, run }: QualityReport): string {
  const code = (text: string) => `<code>${escapeText(text)}</code>`;
  const print = (fingerprint: string) =>
    `<code title="${escapeText(fingerprint)}">${escapeText(fingerprint.slice(0, 12))}</code>`;
  const kind = [generator.preset, generator.objective].filter(Boolean).join(', ');
  const { a, b } = quality.places;
  return section(
    'measured',
    'What was measured',
    facts([
      ['Generator', escapeText(`${kind ? `${kind}, ` : ''}side ${generator.side}, latent ${generator.latent}`)],
      ['Checkpoint', `${code(generator.file)} ${print(generator.fingerprint)}`],
      [
        'Matcher',
        matcher ? `${escapeText(matcher.preset)} ${code(matcher.file)} ${print(matcher.fingerprint)}` : 'none',
      ],
      ['Data set', `${code(data.folder)} ${print(data.fingerprint)}`],
      ['Patches of each set', count(quality.count)],
      ['Held-out places', escapeText(`${quality.split}: ${named(a)} / ${named(b)}`)],
      ['Backend', escapeText(run.device ? `${run.backend} (${run.device})` : run.backend)],
      [
        'Date',
        `<time datetime="${run.date.toISOString()}">${run.date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`,
      ],
      ['doppel', escapeText(run.version)],
      ['Seed', String(quality.seed)],
    ]),
  );
}

const named = (places: readonly string[]) =>
  places.length === 0
    ? 'the same'
    : places.slice(0, 4).join(', ') + (places.length > 4 ? ` and ${places.length - 4} more` : '');

function samples({ generated, real }: QualityPictures): string {
  const tiles = (sources: readonly string[], what: string) =>
    `<div class="tiles">${sources.map((source, i) => `<img src="${source}" alt="${what} patch ${i + 1}" loading="lazy">`).join('')}</div>`;
  return section(
    'samples',
    'Samples',
    '<h3>Generated, from the prior; not chosen</h3>',
    tiles(generated, 'generated'),
    '<h3>Real, held out</h3>',
    tiles(real, 'real'),
  );
}

function distances(quality: GeneratorQuality): string {
  const { slicedWasserstein, kernelDistance, values, looks } = quality;
  const rows: [string, Beside][] = [
    ['Sliced Wasserstein, × 10³', slicedWasserstein.mean],
    ...slicedWasserstein.levels.map(({ side, distances: each }): [string, Beside] => [
      `– level ${side} × ${side}`,
      each,
    ]),
    ...(kernelDistance ? [['Kernel distance', kernelDistance] as [string, Beside]] : []),
    [`Values, ${values.unit}`, values],
    ...(looks?.distances ? [['Looks, factor of', exponential(looks.distances)] as [string, Beside]] : []),
  ];
  const number = (name: string) => ({ name, numeric: true });
  return section(
    'distances',
    'Distances to real patches',
    '<h3>Held out</h3>',
    table(
      'Against real patches of places that the generator never saw: the mean over their two halves. Real: one half against the other.',
      [
        { name: 'Distance' },
        ...['Generated', 'Reconstructed', 'Real training patches', 'Scrambled', 'Real', 'Generated / real'].map(number),
      ],
      rows.map(([name, { heldOut: at }]) => [
        name,
        ...[at.generated, at.reconstructed, at.training, at.scrambled, at.real].map(short),
        times(at.ratio),
      ]),
    ),
    '<h3 style="margin-top:1.6em">Learned</h3>',
    table(
      'Against training patches. Real: other training patches, at random; only chance parts these. Scrambled: training patches with their pixels shuffled.',
      [{ name: 'Distance' }, ...['Generated', 'Reconstructed', 'Scrambled', 'Real', 'Generated / real'].map(number)],
      rows.map(([name, { learned: at }]) => [
        name,
        ...[at.generated, at.reconstructed, at.scrambled, at.real].map(short),
        times(at.ratio),
      ]),
    ),
    ...(kernelDistance ? [paragraph(kernelNote(kernelDistance), 'soft')] : []),
  );
}

/** A distance of logarithms as a factor. */
function exponential({ heldOut, learned }: Beside): Beside {
  const { ratio, ...a } = heldOut;
  const { ratio: other, ...b } = learned;
  const raised = <T extends object>(each: T): T =>
    Object.fromEntries(Object.entries(each).map(([name, value]) => [name, Math.exp(value as number)])) as T;
  return { heldOut: { ...raised(a), ratio }, learned: { ...raised(b), ratio: other } };
}

function kernelNote({ errors }: NonNullable<GeneratorQuality['kernelDistance']>): string {
  const text = (error: number | null) => (error === null ? 'unknown' : short(error));
  const { heldOut, learned } = errors;
  return (
    `Standard errors of the kernel distance: held out ${text(heldOut.generated)} (generated) and ${text(heldOut.real)} (real), ` +
    `training ${text(learned.generated)} and ${text(learned.real)}. It is unbiased, so that real against real may be below 0; there is no ratio where that is within two errors of 0.`
  );
}

function plots({ slicedWasserstein: { levels }, values, looks: speckle, scale }: GeneratorQuality): string {
  const groups = levels.map(({ side }) => `${side} × ${side}`);
  const of = (pick: (level: (typeof levels)[number]) => number) => levels.map(pick);
  const swd = barChart({
    description: 'Sliced Wasserstein distance by level of the pyramid',
    ...{ xLabel: 'Level', yLabel: 'Distance × 10³', groups },
    series: [
      { name: 'generated', values: of(({ distances: each }) => each.heldOut.generated) },
      { name: 'reconstructed', values: of(({ distances: each }) => each.heldOut.reconstructed) },
      { name: 'real training', values: of(({ distances: each }) => each.heldOut.training) },
      { name: 'real halves', values: of(({ distances: each }) => each.heldOut.real) },
    ],
  });
  const contrast = barChart({
    description: 'Contrast by level of the pyramid',
    ...{ xLabel: 'Level', yLabel: 'Standard deviation', groups },
    series: [
      { name: 'generated', values: of((level) => level.contrast.generated) },
      { name: 'reconstructed', values: of((level) => level.contrast.reconstructed) },
      { name: 'real training', values: of((level) => level.contrast.training) },
      { name: 'real held out', values: of((level) => level.contrast.heldOut) },
    ],
  });
  const atScale = scale.kind === 'known' ? '' : ' At one typical scale: see above.';
  const medians =
    speckle &&
    barChart({
      description: 'Median equivalent number of looks',
      ...{ xLabel: 'Patches', yLabel: 'Looks', groups: KINDS.map(([, name]) => name) },
      series: [{ name: 'median', values: KINDS.map(([kind]) => speckle[kind].median ?? Number.NaN) }],
    });
  return section(
    'plots',
    'Structure, contrast, values and speckle',
    `<div class="plots">${[
      figure(
        'Sliced Wasserstein distance',
        swd,
        'Against held-out patches. The finest level shows speckle, the coarsest what is on the ground.',
      ),
      figure(
        'Contrast',
        contrast,
        'The distance leaves contrast out, so it stands here: a finest level with less than real patches have lacks speckle.',
      ),
      figure('Values', valuePlot(values), `All values of all patches.${atScale}`),
      ...(medians ? [figure('Looks', medians, `Median over patches with even ground.${atScale}`)] : []),
    ].join('')}</div>`,
  );
}

const KINDS = [
  ['generated', 'Generated'],
  ['reconstructed', 'Reconstructed'],
  ['training', 'Real, training'],
  ['heldOut', 'Real, held out'],
] as const;

function looks({ looks: found }: GeneratorQuality): string {
  if (!found) return '';
  const rows = KINDS.map(([kind, name]) => {
    const { median, quartiles, even } = found[kind];
    const range = quartiles ? quartiles.map((value) => value.toFixed(1)).join(' to ') : '–';
    return [name, median === null ? '–' : median.toFixed(1), range, percentage(even)];
  });
  const columns = [
    { name: 'Patches' },
    { name: 'Median looks', numeric: true },
    { name: 'Quartiles', numeric: true },
    { name: 'With even ground', numeric: true },
  ];
  const caption =
    'Equivalent number of looks, patch by patch. Too many: speckle was smoothed away; too few: noise was added.';
  return section('looks', 'Speckle', table(caption, columns, rows));
}

function varied({ diversity }: GeneratorQuality): string {
  const rows = KINDS.map(([kind, name]) => {
    const { mean, error } = diversity[kind];
    return [name, fraction(mean), fraction(error)];
  });
  const columns = [{ name: 'Patches' }, { name: 'MS-SSIM', numeric: true }, { name: 'Standard error', numeric: true }];
  const caption = `Mean over ${count(diversity.generated.pairs)} random pairs: 1 where all patches are the same. Above real patches: too little variety.`;
  return section('diversity', 'Variety', table(caption, columns, rows));
}

function copies({ memorisation }: GeneratorQuality, { nearest }: QualityPictures): string {
  const row = (name: string, found: Memorisation) => [
    name,
    ...[found.generated.min, found.real.min, found.generated.median, found.real.median].map(short),
    ...[percentage(found.closer), percentage(found.copies)],
  ];
  const columns = [
    'Nearest, generated',
    'Nearest, real',
    'Median, generated',
    'Median, real',
    'Nearer than 99 % of real',
    'Copies',
  ];
  return section(
    'copies',
    'Learned by heart?',
    table(
      `Distance to the nearest of ${count(memorisation.patches)} training patches, beside held-out real patches. About 1 % of fresh patches are nearer than 99 % of the real ones; a copy is nearer than half of that.`,
      [{ name: 'Distance' }, ...columns.map((name) => ({ name, numeric: true }))],
      [
        row('Pattern (means of 4 × 4 pixels)', memorisation.patterns),
        ...(memorisation.features ? [row('Matcher’s features', memorisation.features)] : []),
      ],
    ),
    '<h3 style="margin-top:1.6em">Generated patches nearest to training patches</h3>',
    paragraph('Generated on the left, the nearest training patch on the right; the nearest of all first.', 'soft'),
    pairs(nearest),
  );
}

function pairs(all: readonly PicturePair[]): string {
  const cards = all.map(
    ({ left, right, caption }) =>
      `<li><div class="pictures"><img src="${left}" alt="left" loading="lazy"><img src="${right}" alt="right" loading="lazy"></div><div class="ids">${escapeText(caption)}</div></li>`,
  );
  return `<ol class="pairs">${cards.join('')}</ol>`;
}

function method({ slicedWasserstein, split, count: patches, kernelDistance }: GeneratorQuality): string {
  return section(
    'method',
    'How it was measured',
    list([
      `Sets of ${count(patches)} patches each: drawn from the prior; reconstructions of training patches from the mean of the posterior; training patches; other training patches; and two sets of the ${split} split that share no place.`,
      'Made patches are finished as for mining: where patches are standardised one by one, made ones are as well.',
      `Sliced Wasserstein distance (Karras et al. 2018): 7 × 7 neighbourhoods of a Laplacian pyramid, ${slicedWasserstein.neighbourhoods} of each patch and level, ${slicedWasserstein.directions} random directions. With few patches chance alone makes a distance; it is in the real figures as well.`,
      ...(kernelDistance
        ? [
            `Kernel distance (Bińkowski et al. 2018): unbiased, polynomial kernel of degree 3, on the ${kernelDistance.features} features of the matcher’s SAR stream, divided by their root mean square over real patches.`,
          ]
        : []),
      'Values: the mean distance by which values must be moved for one histogram to become the other. Looks: the same of their logarithms.',
      'Variety: multi-scale structural similarity (Wang et al. 2003), as many scales as the side allows.',
    ]),
  );
}

function footer({ data, run }: QualityReport): string {
  const attribution = data.attribution ? paragraph(data.attribution) : '';
  return `<footer>${attribution}${paragraph(`Made by doppel ${run.version}.`)}</footer>`;
}
