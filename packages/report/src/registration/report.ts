/**
 * The report of a registration: one HTML file that needs nothing else. It says whether the result may be trusted, how good
 * it is at cells that no fit has seen, what became of every cell, and shows both scenes on each other.
 */
import type {
  ModelKind,
  QualityFigures,
  Reason,
  Registration,
  RegistrationReport,
  TiePoint,
} from '@doppel/core/registration';
import { QUALITY_FIGURES, REASONS } from '@doppel/core/registration';
import { count, percentage, plural } from '../page/format.ts';
import { facts, figure, list, paragraph, section, table } from '../page/html.ts';
import { STYLE } from '../page/style.ts';
import { escapeText } from '../plots/svg.ts';
import { arrowMap, MAP_INK } from './arrow_map.ts';
import { limitsOf } from './limits.ts';
import { isUsed } from './map_frame.ts';
import { REASON_TEXT } from './reason_text.ts';
import { residualPlot } from './residual_plot.ts';
import { type SceneView, sceneViews, viewStyle } from './scene_views.ts';
import { metres, pixels, signed, verdictText } from './verdict_text.ts';

/** One page, self-contained. */
export function registrationHtml(report: RegistrationReport): string {
  const { registration, views, run } = report;
  const title = `Registration of ${registration.optical.file} on ${registration.sar.file}`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeText(title)}</title><style>${STYLE}${viewStyle(views)}</style></head><body>`,
    header(registration),
    '<main>',
    headlines(registration),
    notes(registration),
    offsets(registration, views[0]),
    section('views', 'Both scenes on each other', paragraph(VIEWS_TEXT, 'soft'), sceneViews(views)),
    residuals(registration),
    reasons(registration),
    ladder(registration),
    quality(registration),
    checks(registration),
    tested(report),
    pointTable(registration),
    method(registration),
    fileList(report.files),
    '</main>',
    `<footer>${paragraph(`Made by doppel ${run.version}.`)}</footer>`,
    '</body></html>\n',
  ].join('\n');
}

const VIEWS_TEXT =
  'Where the scenes lie on each other, roads, shores and field edges run on from one square to the next. On the swipe, move the pointer over a picture or use the slider.';

function header(registration: Registration): string {
  const { status, caveats = [] } = registration;
  const kind = status === 'trusted' ? 'lead verdict' : 'lead verdict refused';
  return `<header><h1>Do the two scenes lie on each other?</h1>${paragraph(verdictText(registration), kind)}${caveats.length > 0 ? caveatList(caveats) : ''}</header>`;
}

const caveatList = (caveats: readonly string[]) =>
  `<aside class="notes" aria-label="Caveats"><strong>But mind:</strong>${list(caveats.map((caveat) => `${caveat}.`))}</aside>`;

function headlines({ points, ladder: rungs, quality, status, caveats = [] }: Registration): string {
  const used = points.filter(isUsed).length;
  const chosen = rungs.find((rung) => rung.chosen)?.kind;
  const items: [name: string, value: string, note: string][] = [
    ['Verdict', status, status === 'trusted' && caveats.length === 0 ? 'passes every check' : 'see above'],
    ['Tie points', count(used), `of ${count(points.length)} cells`],
    ['Correction', chosen ?? 'none', rungs.length === 1 ? 'as asked' : 'chosen from the ladder'],
    ...(quality
      ? ([
          ['CE90', metres(quality.ce90), rangeText(quality, 'ce90')],
          [
            'RMSE, x and y, m',
            `${signed(quality.rmseX, 1)}, ${signed(quality.rmseY, 1)}`,
            pixelPair(quality, 'rmseX', 'rmseY'),
          ],
          [
            'Bias, x and y, m',
            `${signed(quality.biasX, 1)}, ${signed(quality.biasY, 1)}`,
            pixelPair(quality, 'biasX', 'biasY'),
          ],
        ] as [string, string, string][])
      : []),
  ];
  const html = items.map(
    ([name, value, note]) =>
      `<li><span class="name">${escapeText(name)}</span><span class="value">${escapeText(value)}</span><span class="interval">${escapeText(note)}</span></li>`,
  );
  return `<ul class="headlines" aria-label="Headline figures">${html.join('')}</ul>`;
}

type Judged = NonNullable<Registration['quality']>;

const rangeText = ({ intervals, heldOut }: Judged, name: keyof QualityFigures) =>
  `${intervals[name].map((value) => signed(value, 1)).join(' to ')} m, from ${plural(heldOut, 'point')}`;
const pixelPair = ({ pixel, ...figures }: Judged, x: keyof QualityFigures, y: keyof QualityFigures) =>
  `${signed(figures[x] / pixel, 2)}, ${pixels(figures[y] / pixel)}`;

function notes(registration: Registration): string {
  const all = limitsOf(registration);
  if (all.length === 0) return '';
  return `<aside class="notes" aria-labelledby="notes"><h2 id="notes">To keep in mind</h2>${list(all)}</aside>`;
}

function offsets(registration: Registration, overview: SceneView): string {
  const before = arrowMap(registration, overview.window, {
    pick: ({ offset }) => offset,
    description: 'Offsets of the optical scene at each tie point, before the correction',
  });
  const after = arrowMap(registration, overview.window, {
    pick: ({ residual }) => residual,
    description: 'Residuals at each tie point, after the correction',
  });
  const map = ({ svg, factor }: typeof before, heading: string, text: string) =>
    `<figure><h3>${escapeText(heading)}</h3><div class="map view-0"><div style="background-image:var(--sar)"></div>${svg}</div>` +
    `<figcaption>${escapeText(`${text} Arrows are drawn ${count(factor)} times their length.`)}</figcaption></figure>`;
  const legend = [
    ['round', MAP_INK.used, 'in the fit'],
    ['', MAP_INK.heldOut, 'held out of the fit'],
    ['round', MAP_INK.off, 'off the model'],
  ].map(([kind, colour, name]) => `<li><span class="key ${kind}" style="background:${colour}"></span>${name}</li>`);
  return section(
    'offsets',
    'Offsets',
    `<ul class="legend" aria-label="Legend">${legend.join('')}<li>× no tie point (the reason shows under the pointer)</li></ul>`,
    `<div class="maps">${map(before, 'Before', 'From where the SAR scene shows a place to where the optical file puts it.')}` +
      `${registration.correction ? map(after, 'After', 'What the correction leaves.') : ''}</div>`,
  );
}

function residuals({ points, quality, correction }: Registration): string {
  const used = points.filter(isUsed);
  const before = residualPlot({
    description: 'Offsets before the correction by columns and rows',
    points: used,
    pick: ({ offset }) => offset,
    ce90: quality && quality.before.ce90 / quality.pixel,
  });
  const after = residualPlot({
    description: 'Residuals after the correction by columns and rows',
    points: used,
    pick: ({ residual }) => residual,
    ce90: quality && quality.ce90 / quality.pixel,
  });
  const plots = [
    figure(
      'Before',
      before,
      'Offsets of all tie points by the files’ own georeferences. The circle holds 90 % of those held out.',
    ),
    ...(correction
      ? [
          figure(
            'After',
            after,
            'Residuals of the correction, on axes of their own. Points in the fit are nearer than held-out ones by construction.',
          ),
        ]
      : []),
  ];
  return section('residuals', 'Residuals before and after', `<div class="plots">${plots.join('')}</div>`);
}

function reasons({ points }: Registration): string {
  const rows = REASONS.map((reason) => ({ reason, of: points.filter((point) => point.reason === reason) }))
    .filter(({ reason, of }) => of.length > 0 || reason === 'used')
    .map(({ reason, of }) => reasonRow(reason, of, points.length));
  return section(
    'reasons',
    'What became of the cells',
    table(
      'Every cell of the grid ends with one reason; peak and ratio are medians of its points.',
      [
        { name: 'Reason' },
        { name: 'Cells', numeric: true },
        { name: 'Share', numeric: true },
        { name: 'Peak', numeric: true },
        { name: 'Second peak / peak', numeric: true },
        { name: 'Meaning' },
      ],
      rows,
    ),
  );
}

function reasonRow(reason: Reason, points: readonly TiePoint[], cells: number): string[] {
  const median = (pick: (point: TiePoint) => number | undefined) => {
    const sorted = points.flatMap((point) => pick(point) ?? []).sort((a, b) => a - b);
    return sorted.length === 0 ? '–' : signed(sorted[sorted.length >> 1]!, 2);
  };
  return [
    reason,
    count(points.length),
    percentage(cells === 0 ? 0 : points.length / cells),
    median(({ peak }) => peak),
    median(({ ratio }) => ratio),
    escapeText(REASON_TEXT[reason]),
  ];
}

const KIND_TEXT: Record<ModelKind, string> = {
  shift: 'one offset everywhere',
  similarity: 'shift, rotation and one scale',
  affine: 'shift, rotation, two scales and shear',
  quadratic: 'bends once across the scene',
  spline: 'smoothed thin-plate: follows terrain',
};

function ladder({ ladder: rungs }: Registration): string {
  if (rungs.length === 0) return section('ladder', 'Ladder of models', paragraph('Too few tie points to fit a model.'));
  const rows = rungs.map(({ kind, parameters, crossValidated, inliers, chosen }) => [
    chosen ? `<strong>${kind}, chosen</strong>` : kind,
    count(parameters),
    crossValidated === undefined ? 'too few points' : pixels(crossValidated),
    count(inliers),
    escapeText(KIND_TEXT[kind]),
  ]);
  return section(
    'ladder',
    'Ladder of models',
    table(
      'Root mean square error at cells left out of the fit in turn. A richer model is chosen only where it is better by more than chance.',
      [
        { name: 'Model' },
        { name: 'Parameters', numeric: true },
        { name: 'Cross-validated error', numeric: true },
        { name: 'Points that agree', numeric: true },
        { name: 'What it can do' },
      ],
      rows,
    ),
  );
}

const FIGURE_TEXT: Record<keyof QualityFigures, string> = {
  biasX: 'Bias, x',
  biasY: 'Bias, y',
  rmseX: 'RMSE, x',
  rmseY: 'RMSE, y',
  ce90: 'CE90',
};

function quality({ quality: judged }: Registration): string {
  if (!judged)
    return section('quality', 'Quality', paragraph('Too few tie points to hold any out: there are no figures.'));
  const { pixel, before, intervals, heldOut } = judged;
  const rows = QUALITY_FIGURES.map((name) => [
    FIGURE_TEXT[name],
    metres(before[name]),
    metres(judged[name]),
    `${intervals[name].map((value) => signed(value, 1)).join(' to ')} m`,
    pixels(judged[name] / pixel),
  ]);
  return section(
    'quality',
    'Quality',
    table(
      `Errors at ${plural(heldOut, 'point')} that no fit has seen; 90 % intervals by bootstrap over these ${plural(heldOut, 'point')}. CE90: the radius that holds 90 % of them.`,
      [
        { name: 'Figure' },
        { name: 'Before', numeric: true },
        { name: 'After', numeric: true },
        { name: '90 % interval', numeric: true },
        { name: 'After, pixels', numeric: true },
      ],
      rows,
    ),
  );
}

function checks({ tests = [] }: Registration): string {
  if (tests.length === 0) return '';
  const number = (value: number) =>
    Number.isFinite(value) ? String(Number(value.toPrecision(3))).replace('-', '−') : '∞';
  const rows = tests.map(({ name, value, limit, isMost, passed }) => [
    escapeText(name),
    number(value),
    `${isMost ? 'at most' : 'at least'} ${number(limit)}`,
    passed ? 'passed' : '<strong>failed</strong>',
  ]);
  const columns = [
    { name: 'Check' },
    { name: 'Value', numeric: true },
    { name: 'Limit', numeric: true },
    { name: 'Result' },
  ];
  const caption =
    'A registration is trusted only if it passes every check; the first that fails is the reason of a refusal.';
  return section('checks', 'Checks', table(caption, columns, rows));
}

function tested({ registration, settings, run }: RegistrationReport): string {
  const { sar, optical, grid, features, matcher, radius, coarse, seconds } = registration;
  const code = (text: string) => `<code>${escapeText(text)}</code>`;
  const scene = ({ file, width, height, crs }: Registration['sar']) =>
    `${code(file)}<br>${count(width)} × ${count(height)} px, ${escapeText(shortened(crs))}`;
  return section(
    'tested',
    'What was tested',
    facts([
      ['SAR scene', scene(sar)],
      ['Optical scene', scene(optical)],
      [
        'Working grid',
        `${count(grid.width)} × ${count(grid.height)} px of ${signed(grid.metres, 2)} m, ${escapeText(shortened(grid.crs))}`,
      ],
      [
        'Features',
        { dense: 'the matcher’s', gradients: 'oriented gradients', both: 'the matcher’s and oriented gradients' }[
          features
        ],
      ],
      [
        'Matcher',
        matcher
          ? `${escapeText(matcher.name)}, <code title="${escapeText(matcher.fingerprint)}">${escapeText(matcher.fingerprint.slice(0, 12))}</code>`
          : 'none',
      ],
      ['Search radius', `${count(radius)} px (${metres(radius * grid.metres)})`],
      ['Coarse agreement', coarse ? escapeText(coarseText(coarse)) : 'none'],
      ...(settings.length > 0 ? [['Settings', escapeText(settings.join(', '))] as const] : []),
      ['Backend', escapeText(run.device ? `${run.backend} (${run.device})` : run.backend)],
      ['Time', `${signed(seconds, 1)} s`],
      [
        'Date',
        `<time datetime="${run.date.toISOString()}">${run.date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`,
      ],
      ['doppel', escapeText(run.version)],
    ]),
  );
}

/** A reference system that is a whole WKT by its name. */
const shortened = (crs: string) => /^\w+\["([^"]+)"/.exec(crs)?.[1] ?? (crs.length > 60 ? `${crs.slice(0, 60)}…` : crs);

function coarseText({ column, row, rotation, scale, agreeing, windows }: NonNullable<Registration['coarse']>): string {
  const turned =
    rotation === 0 && scale === 1 ? '' : `, turned by ${signed(rotation, 2)}°, scaled by ${scale.toFixed(4)}`;
  return `${signed(column, 1)}, ${pixels(row)}${turned}; ${agreeing} of ${plural(windows, 'window')} agree`;
}

/** Points above which the page holds none of them: the table of points is a file of its own. */
const MAX_ROWS = 400;

function pointTable({ points }: Registration): string {
  if (points.length === 0 || points.length > MAX_ROWS) return '';
  const number = (value: number | undefined, digits: number) => (value === undefined ? '–' : signed(value, digits));
  const rows = points.map(({ id, reason, heldOut, sar, offset, residual, peak, ratio, backward, probability }) => [
    String(id),
    escapeText(heldOut ? `${reason}, held out` : reason),
    ...[number(sar[0], 1), number(sar[1], 1)],
    ...[number(offset?.column, 2), number(offset?.row, 2), number(residual?.column, 2), number(residual?.row, 2)],
    ...[number(peak, 2), number(ratio, 2), number(backward, 1), number(probability, 2)],
  ]);
  const numeric = [
    'SAR column',
    'SAR row',
    'Offset, columns',
    'rows',
    'Residual, columns',
    'rows',
    'Peak',
    'Ratio',
    'Backward, px',
    'P(same)',
  ];
  const columns = [{ name: 'Cell' }, { name: 'Reason' }, ...numeric.map((name) => ({ name, numeric: true }))];
  const caption = 'Every cell with its figures; offsets and residuals in pixels of the working grid.';
  return section(
    'points',
    'Cell by cell',
    `<details><summary>All ${count(points.length)} cells</summary>${table(caption, columns, rows)}</details>`,
  );
}

function method({ features }: Registration): string {
  const means = {
    dense: 'features of the matcher',
    gradients: 'oriented gradients',
    both: 'features of the matcher and, as a second vote, oriented gradients',
  }[features];
  return section(
    'method',
    'How it was measured',
    list([
      `Templates of the SAR scene, one a cell, were sought in the optical scene by normalised cross-correlation of ${means}; the peak is fitted below the pixel.`,
      'A cell becomes a tie point where its peak is high, alone, inside the search, and found again backwards, if there is room for that; every other cell says why it is none.',
      'Models are fitted robustly, weighted by the covariances of the peaks, and compared by cross-validation over cells. A shift, similarity or affine map is then fitted once more: neighbours err alike, and georeferences lean by little.',
      'A fifth of the cells is held out of every fit and of the choice of the model. All figures of quality come from these alone.',
      'Errors are those of the optical against the SAR scene. Where the SAR scene itself lies on the ground is not measured.',
    ]),
  );
}

function fileList(files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files);
  if (entries.length === 0) return '';
  return section('files', 'Files', facts(entries.map(([what, file]) => [what, `<code>${escapeText(file)}</code>`])));
}
