/**
 * `report.html` of an experiment: one page that needs nothing else. The conclusion comes first, as the numbers give it;
 * then differences to the baseline, the arms themselves, what they cost, and how all was measured.
 */
import { DEFAULT_ARCHITECTURE } from '@doppel/core/matcher';
import {
  count,
  escapeText,
  type Format,
  facts,
  figure,
  fraction,
  interval,
  lineChart,
  list,
  paragraph,
  percentage,
  plural,
  STYLE,
  section,
  table,
  UNKNOWN,
} from '@doppel/report';
import type { ExperimentMetric } from './arm_sample.ts';
import type { Estimate } from './compare.ts';
import { intervalChart } from './interval_chart.ts';
import { perCent } from './plan.ts';
import type { Comparison, ResultGroup, Results } from './result_types.ts';

const METRICS: Record<ExperimentMetric, { label: string; format: Format }> = {
  fpr95: { label: 'FPR at 95 % recall', format: percentage },
  fpr80: { label: 'FPR at 80 % recall', format: percentage },
  fpr: { label: 'FPR at the threshold', format: percentage },
  accuracy: { label: 'Accuracy', format: percentage },
  recall: { label: 'Recall', format: percentage },
  auc: { label: 'ROC-AUC', format: fraction },
  averagePrecision: { label: 'Average precision', format: fraction },
};

export interface ExperimentReport {
  results: Results;
  data: { folder: string; fingerprint: string; attribution?: string | undefined };
  /** The configuration as YAML. */
  config: string;
}

export function experimentHtml(report: ExperimentReport): string {
  const { results } = report;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Experiment: hard negatives</title><style>${STYLE}</style></head><body>`,
    `<header><h1>Do hard negatives help?</h1>${paragraph(lead(results), 'lead')}</header>`,
    '<main>',
    section('conclusion', 'What the numbers say', list(results.conclusion)),
    fixed(results),
    section('differences', `Differences to ${results.baseline}`, ...differences(results)),
    ...results.groups.map((group) => armsSection(group, results)),
    best(results),
    shortcuts(results),
    times(results),
    section('training', 'The baseline in training', ...curves(results)),
    method(report),
    '</main>',
    `<footer>${paragraph(`doppel ${results.run.versions.join(', ')}`, 'soft')}</footer>`,
    '</body></html>\n',
  ].join('\n');
}

function lead({ groups, tests, run }: Results): string {
  const arms = new Set(groups.flatMap(({ arms }) => arms.map(({ arm }) => arm)));
  return (
    `${plural(arms.size, 'arm')} that differ in their negatives only, in ${plural(run.cells, 'run')}, tested on ` +
    `${plural(tests.positives, 'true pair')} of ${plural(tests.places, 'place')} and negatives from easy to hard.`
  );
}

/** The plots of a report by name; a page of documentation may show them. */
export function experimentFigures(results: Results): Record<string, string> {
  const plots: Record<string, string> = {};
  for (const set of Object.keys(results.tests.sets)) {
    const own = results.toBaseline.filter((each) => each.set === set);
    if (own.length === 0) continue;
    plots[`difference-${set}`] = intervalChart({
      description: `Difference to ${results.baseline} on ${set}: FPR at 95 % recall`,
      xLabel: `FPR at 95 % recall, difference to ${results.baseline} (left is better)`,
      zero: true,
      rows: own.map((each) => ({
        name: nameOf(each),
        value: each.difference.fpr95.mean,
        interval: each.difference.fpr95.interval,
      })),
    });
  }
  for (const group of results.groups) {
    plots[`baseline-${group.matcher}-${perCent(group.budget)}`] = lineChart({
      xLabel: 'Updates',
      yLabel: 'ROC-AUC on validation',
      series: [
        { name: results.baseline, points: group.baseline.map(({ step, validationAuc }) => [step, validationAuc]) },
      ],
    });
  }
  return plots;
}

const nameOf = ({ arm, budget, matcher }: Pick<Comparison, 'arm' | 'budget' | 'matcher'>) =>
  `${arm}, ${perCent(budget)} %${matcher === DEFAULT_ARCHITECTURE ? '' : `, ${matcher}`}`;

function differences(results: Results): string[] {
  const plots = experimentFigures(results);
  const sets = Object.keys(results.tests.sets);
  const cards = sets.flatMap((set) => {
    const plot = plots[`difference-${set}`];
    return plot ? [figure(set, plot, 'Mean over seeds; 95 % interval over places and seeds.')] : [];
  });
  return [
    `<div class="plots">${cards.join('')}</div>`,
    comparisonTable('All comparisons', results.toBaseline, results.baseline),
  ];
}

/** Comparisons that were fixed beforehand, and the share of the excess that each arm removes. */
function fixed({ contrasts, excess }: Results): string {
  const numeric = (name: string) => ({ name, numeric: true });
  const contrastRows = contrasts.map((each) => [
    escapeText(each.name),
    escapeText(`${nameOf(each)} − ${each.against}`),
    escapeText(`${METRICS[each.metric].label}, ${each.set}`),
    difference({ mean: each.mean, interval: each.interval }, METRICS[each.metric].format),
    each.relative === null ? UNKNOWN : percentage(each.relative),
    each.p === null ? UNKNOWN : each.p.toPrecision(2),
    each.equivalence ? (each.equivalence.holds ? 'shown' : 'not shown') : UNKNOWN,
    String(each.seeds.length),
  ]);
  const names = ['Difference', 'Relative', 'p', 'Equivalence', 'Seeds'].map(numeric);
  const parts = [
    ...(contrasts.length > 0
      ? [
          table(
            'Fixed before any test figure was seen; paired over seeds, standard errors with those of the places',
            [{ name: 'Contrast' }, { name: 'Arms' }, { name: 'Figure' }, ...names],
            contrastRows,
          ),
        ]
      : []),
    ...(excess.length > 0
      ? [
          table(
            'Share of the excess of false alarms, look-alikes over shuffled at 80 % recall, that is removed',
            [{ name: 'Arm' }, numeric('Removed'), numeric('Seeds')],
            excess.map((each) => [
              escapeText(nameOf(each)),
              each.removed ? difference(each.removed, percentage) : UNKNOWN,
              String(each.seeds.length),
            ]),
          ),
        ]
      : []),
  ];
  return parts.length > 0 ? section('fixed', 'What was asked beforehand', ...parts) : '';
}

function comparisonTable(caption: string, comparisons: readonly Comparison[], baseline?: string): string {
  const shown = ['fpr95', 'fpr80', 'fpr', 'accuracy', 'auc', 'averagePrecision'] as const;
  const columns = [
    { name: 'Arm' },
    { name: 'Test set' },
    ...(baseline ? [] : [{ name: 'Against' }]),
    ...shown.map((metric) => ({ name: METRICS[metric].label, numeric: true })),
    { name: 'p (Holm)', numeric: true },
    { name: 'Seeds better', numeric: true },
  ];
  const rows = comparisons.map((each) => [
    escapeText(nameOf(each)),
    escapeText(each.set),
    ...(baseline ? [] : [escapeText(each.against)]),
    ...shown.map((metric) => difference(each.difference[metric], METRICS[metric].format)),
    `${each.p.fpr95.toPrecision(2)} (${each.adjusted.fpr95.toPrecision(2)})`,
    `${each.seedsBetter} of ${each.seeds.length}`,
  ]);
  return table(`${caption}; p, its correction and seeds for FPR at 95 % recall`, columns, rows);
}

const signed = (value: number, format: Format) => (value > 0 ? `+${format(value)}` : format(value).replace('-', '−'));

function difference({ mean, interval: range }: Estimate, format: Format): string {
  const ends = range ? `<br><span class="soft">${range.map((end) => signed(end, format)).join(' to ')}</span>` : '';
  return signed(mean, format) + ends;
}

function armsSection(group: ResultGroup, { tests }: Results): string {
  const { matcher, budget, places, pairs, steps, arms } = group;
  const heading = `${matcher}, ${perCent(budget)} % of the training places`;
  const intro = `${count(Math.round(pairs))} pairs of ${Math.round(places)} places (mean over seeds), ${count(Math.round(steps))} updates for each arm.`;
  const tables = Object.keys(tests.sets).map((set) => {
    const columns = [
      { name: 'Arm' },
      { name: 'Seeds', numeric: true },
      ...Object.values(METRICS).map(({ label }) => ({ name: label, numeric: true })),
    ];
    const rows = arms.map(({ arm, seeds, sets }) => [
      escapeText(arm),
      String(seeds.length),
      ...Object.entries(METRICS).map(([metric, { format }]) => {
        const { mean, interval: range } = sets[set]![metric as ExperimentMetric];
        return `${format(mean)}<br><span class="soft">${interval(range, format)}</span>`;
      }),
    ]);
    return table(`Test set ${set}, ${plural(tests.sets[set]!, 'negative')}`, columns, rows);
  });
  return section(`arms-${matcher}-${perCent(budget).replace('.', '_')}`, heading, paragraph(intro), ...tables);
}

function best({ toBest, champion }: Results): string {
  if (toBest.length === 0) return '';
  return section('best', `${champion} against the best of the others`, comparisonTable('In each test set', toBest));
}

function shortcuts({ groups }: Results): string {
  const rows = groups.flatMap(({ matcher, budget, arms }) =>
    arms.flatMap(({ arm, shortcut }) => {
      if (!shortcut) return [];
      const { real, reconstructed, lost, probeAuc } = shortcut;
      const cells = [
        fraction(real),
        fraction(reconstructed),
        percentage(lost),
        probeAuc === null ? UNKNOWN : fraction(probeAuc),
      ];
      return [[escapeText(nameOf({ arm, budget, matcher })), ...cells]];
    }),
  );
  if (rows.length === 0) return '';
  const names = ['Real', 'Reconstructed', 'Lost', 'Probe AUC'];
  const columns = [{ name: 'Arm' }, ...names.map((name) => ({ name, numeric: true }))];
  const text =
    'A matcher may go by made pixels instead of the optical patch. True pairs of the validation split: the probability of a match with the real SAR patch and with its reconstruction, ' +
    'the share that is called a match with the first only, and how well the SAR stream alone separates the two (0.5: not at all). What counts is the change against the baseline.';
  return section('shortcut', 'The shortcut', paragraph(text), table('Means over seeds', columns, rows));
}

function times({ groups }: Results): string {
  const second: Format = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
  const rows = groups.flatMap(({ matcher, budget, arms }) =>
    arms.map(({ arm, seconds }) => [
      escapeText(nameOf({ arm, budget, matcher })),
      ...[seconds.base, seconds.mining, seconds.training, seconds.testing, seconds.total].map(second),
    ]),
  );
  const names = ['First stage (shared)', 'Finding negatives', 'Second stage', 'Testing', 'Total'];
  const columns = [{ name: 'Arm' }, ...names.map((name) => ({ name, numeric: true }))];
  const note = 'Seconds, mean over seeds. Negatives that training finds again are part of the second stage.';
  return section('times', 'What it costs', paragraph(note), table('Seconds of a run', columns, rows));
}

function curves(results: Results): string[] {
  const plots = experimentFigures(results);
  const cards = results.groups.flatMap(({ matcher, budget }) => {
    const plot = plots[`baseline-${matcher}-${perCent(budget)}`];
    const caption = 'Mean over seeds. Where it still rises at the end, longer training may give another picture.';
    return plot ? [figure(`${matcher}, ${perCent(budget)} %`, plot, caption)] : [];
  });
  return [`<div class="plots">${cards.join('')}</div>`];
}

function method({ results, data, config }: ExperimentReport): string {
  const { run, tests } = results;
  const text = [
    'All arms have the same places, the same number of updates and the same seeds. Epoch, temperature and threshold are chosen on the validation split, by AUC and by accuracy on shuffled pairs; the test split chooses nothing.',
    'Hard test sets: the real patches of other ground that look most alike, found without a trained model, and the true patch shifted by some pixels.',
    'Intervals are 95 %, by drawing places and seeds again. p-values come from exchanging the scores of two arms place by place, and are corrected for all comparisons of the table by Holm’s procedure. FPR at 95 % recall is measured at each arm’s own score for that recall, on the test set itself.',
  ];
  const entries: [string, string][] = [
    ['Data set', `${escapeText(data.folder)} (<code>${data.fingerprint.slice(0, 12)}</code>)`],
    ['Test pairs', `<code>${tests.fingerprint.slice(0, 12)}</code>`],
    ['Machine', escapeText(run.machines.join(', '))],
    ['Backend', escapeText(run.backends.join(', '))],
    ['Commit', escapeText(run.commits.join(', ') || 'not known')],
    [
      'Run',
      `${run.from.slice(0, 16)} to ${run.to.slice(0, 16)} UTC, ${count(Math.round(run.seconds / 60))} minutes of work`,
    ],
    ...(data.attribution ? [['Attribution', escapeText(data.attribution)] as [string, string]] : []),
  ];
  const settings = `<details><summary>Configuration</summary><pre>${escapeText(config)}</pre></details>`;
  return section('method', 'How it was measured', ...text.map((each) => paragraph(each)), facts(entries), settings);
}
