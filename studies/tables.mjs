/**
 * Writes the tables of the studies' pages from the results.json beside each page, so that no figure is copied by hand:
 * `node studies/tables.mjs` replaces what stands between `<!-- table NAME -->` and `<!-- end -->`. The names are the keys
 * of `TABLES` below. `<!-- table summary of STUDY, STUDY -->` in the index compares several studies.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const STUDIES = dirname(fileURLToPath(import.meta.url));
const BLOCK = /(<!-- table (\S+?)(?: of ([^>]+?))? -->\n)[\s\S]*?(<!-- end -->)/g;

const HEADINGS = {
  fpr80: 'FPR at 80 % recall, %',
  fpr95: 'FPR at 95 % recall, %',
  accuracy: 'accuracy, %',
  auc: 'ROC-AUC',
};
/** [test set, metric] of the two tables of arms, and of the table of means over budgets. */
const LOOK_ALIKES = ['fpr80', 'fpr95', 'auc'].map((metric) => ['look-alikes', metric]);
const OTHERS = [
  ['shift-16', 'fpr80'],
  ['shift-16', 'fpr95'],
  ['shuffled', 'fpr95'],
  ['shuffled', 'accuracy'],
];

const isShare = (metric) => metric !== 'auc';
const value = (number, metric) => (isShare(metric) ? (100 * number).toFixed(1) : number.toFixed(3));
const signed = (number, metric) => {
  const text = value(Math.abs(number), metric);
  if (Number(text) === 0) return text;
  return `${number < 0 ? '−' : '+'}${text}`;
};

const holdsZero = ([low, high]) => low <= 0 && high >= 0;

/** −2.6; −4.5 to −0.2: bold if the interval excludes 0, † if significant after correction. */
function difference({ difference, adjusted }, metric) {
  const { mean, interval } = difference[metric];
  const text = `${signed(mean, metric)}; ${interval.map((each) => signed(each, metric)).join(' to ')}`;
  return `${holdsZero(interval) ? text : `**${text}**`}${adjusted[metric] < 0.05 ? ' †' : ''}`;
}

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (heads, rows) => [heads, heads.map(() => '---'), ...rows].map(row).join('\n');

const percent = (budget) => `${Number((100 * budget).toFixed(2))} %`;
const byBudget = (groups) => [...groups].sort((a, b) => a.budget - b.budget);
const armsOf = (groups) => [...new Set(byBudget(groups).flatMap(({ arms }) => arms.map(({ arm }) => arm)))];

/** Every arm at every budget: the mean over seeds, and the difference to the baseline with its interval. */
function armsTable({ groups, toBaseline }, wanted) {
  const columns = wanted.filter(([set, metric]) => groups[0].arms[0].sets[set]?.[metric]);
  const rows = byBudget(groups).flatMap(({ budget, arms }) =>
    arms.map(({ arm, sets }) => {
      const cells = columns.map(([set, metric]) => {
        const compared = toBaseline.find((each) => each.budget === budget && each.set === set && each.arm === arm);
        const mean = value(sets[set][metric].mean, metric);
        return compared ? `${mean} (${difference(compared, metric)})` : mean;
      });
      return [percent(budget), `\`${arm}\``, ...cells];
    }),
  );
  return table(['labels', 'arm', ...columns.map(heading)], rows);
}

const heading = ([set, metric]) => (set === 'look-alikes' ? HEADINGS[metric] : `\`${set}\`: ${HEADINGS[metric]}`);

/** The champion less the best other arm of each set. */
function championTable({ toBest }) {
  const metrics = Object.keys(HEADINGS).filter((metric) => toBest[0].difference[metric]);
  const rows = byBudget(toBest).map((compared) => [
    percent(compared.budget),
    `\`${compared.set}\``,
    `\`${compared.against}\``,
    ...metrics.map((metric) => difference(compared, metric)),
  ]);
  return table(['labels', 'test set', 'best other', ...metrics.map((each) => HEADINGS[each].replace(', %', ''))], rows);
}

/** Mean probability of true pairs with the real SAR patch and with its reconstruction. */
function shortcutTable({ groups }) {
  const measured = byBudget(groups).flatMap(({ budget, arms }) =>
    arms.filter(({ shortcut }) => shortcut).map(({ arm, shortcut }) => ({ budget, arm, ...shortcut })),
  );
  const rows = measured.map(({ budget, arm, real, reconstructed, lost, probeAuc }) => [
    percent(budget),
    `\`${arm}\``,
    real.toFixed(2),
    reconstructed.toFixed(2),
    `${(100 * lost).toFixed(0)} %`,
    probeAuc === null ? '–' : probeAuc.toFixed(2),
  ]);
  return table(['labels', 'arm', 'real patch', 'its reconstruction', 'lost', 'probe, ROC-AUC'], rows);
}

/** The baseline's ROC-AUC on the validation split while it trains. */
function baselineTable({ groups }) {
  const budgets = byBudget(groups);
  const steps = [...new Set(budgets.flatMap(({ baseline }) => baseline.map(({ step }) => step)))].sort((a, b) => a - b);
  const at = ({ baseline }, step) => baseline.find((each) => each.step === step)?.validationAuc.toFixed(3) ?? '';
  const rows = steps.map((step) => [step, ...budgets.map((group) => at(group, step))]);
  return table(['updates', ...budgets.map(({ budget }) => percent(budget))], rows);
}

/** Seconds of the second stage, mining included. */
function secondsTable({ groups }) {
  const budgets = byBudget(groups);
  const of = (group, arm) => {
    const found = group.arms.find((each) => each.arm === arm);
    return found ? Math.round(found.seconds.mining + found.seconds.training) : '–';
  };
  const rows = armsOf(groups).map((arm) => [`\`${arm}\``, ...budgets.map((group) => of(group, arm))]);
  return table(['arm', ...budgets.map(({ budget }) => percent(budget))], rows);
}

const comparisonsOf = ({ toBaseline }, arm, set) =>
  byBudget(toBaseline).filter((each) => each.arm === arm && each.set === set);

/** Differences of each arm to the baseline, averaged over its budgets; names these if the arm was not run at all of them. */
function meansTable(results) {
  const columns = [...LOOK_ALIKES, ...OTHERS];
  const rows = armsOf(results.groups)
    .filter((arm) => arm !== results.baseline)
    .map((arm) => {
      const own = comparisonsOf(results, arm, 'look-alikes').map(({ budget }) => percent(budget));
      const cells = columns.map(([set, metric]) => {
        const found = comparisonsOf(results, arm, set).map(({ difference }) => difference[metric].mean);
        return signed(found.reduce((sum, each) => sum + each, 0) / found.length, metric);
      });
      return [`\`${arm}\`${own.length < results.groups.length ? ` (${own.join(', ')})` : ''}`, ...cells];
    });
  const heads = columns.map(([set, metric]) => `\`${set}\`: ${HEADINGS[metric].replace(', %', ', points')}`);
  return table(['arm', ...heads], rows);
}

/** Differences to the baseline in several studies: one figure a budget, bold if its interval excludes 0. */
function summaryTable(...studies) {
  const figure = ({ difference }, metric) => {
    const { mean, interval } = difference[metric];
    return holdsZero(interval) ? signed(mean, metric) : `**${signed(mean, metric)}**`;
  };
  const wanted = LOOK_ALIKES.slice(0, 2).concat([['shuffled', 'accuracy']]);
  const rows = wanted.flatMap(([set, metric]) =>
    ['noise', 'generated', 'adaptive'].map((arm) => [
      `\`${set}\`: ${HEADINGS[metric].replace(', %', '')}`,
      `\`${arm}\``,
      ...studies.map((results) =>
        comparisonsOf(results, arm, set)
          .map((each) => figure(each, metric))
          .join(', '),
      ),
    ]),
  );
  const headOf = ({ groups }) => `\`${groups[0].matcher}\`, seeds ${groups[0].arms[0].seeds.join(', ')}`;
  return table(['test set, metric', 'arm', ...studies.map(headOf)], rows);
}

const interval = (range, metric) => (range ? range.map((each) => signed(each, metric)).join(' to ') : '–');

/** Contrasts that were fixed beforehand: a seed is the unit, and the interval is Student's. */
/** A table with one row for each item, by labels, which have a column where there are several. */
function tableByLabels(heads, items, rowOf) {
  const sorted = byBudget(items);
  if (new Set(sorted.map(({ budget }) => budget)).size < 2) return table(heads, sorted.map(rowOf));
  return table(
    ['labels', ...heads],
    sorted.map((item) => [percent(item.budget), ...rowOf(item)]),
  );
}

function contrastsTable({ contrasts }) {
  const heads = ['contrast', 'arms', 'figure', 'difference (95 %)', 'relative', 'p', 'equivalence', 'seeds'];
  return tableByLabels(
    heads,
    contrasts,
    ({ name, arm, against, set, metric, seeds, mean, relative, interval: range, p, ...rest }) => [
      name,
      `\`${arm}\` − \`${against}\``,
      `\`${set}\`: ${HEADINGS[metric].replace(', %', ', points')}`,
      `${signed(mean, metric)} (${interval(range, metric)})`,
      relative === null ? '–' : `${signed(relative, metric)} %`,
      p === null ? '–' : p.toPrecision(2),
      rest.equivalence ? (rest.equivalence.holds ? 'shown' : 'not shown') : '–',
      seeds.length,
    ],
  );
}

/** Share of the baseline's excess of false alarms, look-alikes over shuffled, that each arm removes. */
function excessTable({ excess }) {
  return tableByLabels(['arm', 'excess removed (95 %)', 'seeds'], excess, ({ arm, removed, seeds }) => [
    `\`${arm}\``,
    removed ? `${value(removed.mean, 'fpr80').replace('-', '−')} % (${interval(removed.interval, 'fpr80')})` : '–',
    seeds.length,
  ]);
}

/** Rungs of a ladder: each measured once, on validation. */
function rungsTable({ rungs }) {
  const columns = [['shuffled', 'auc'], ['shuffled', 'accuracy'], ['shuffled', 'fpr95'], ...LOOK_ALIKES.slice(0, 2)];
  columns.push(['shift-16', 'fpr80']);
  const rows = rungs.map(({ rung, sets }) => [
    `\`${rung}\``,
    ...columns.map(([set, metric]) => value(sets[set][metric].mean, metric)),
  ]);
  return table(['rung', ...columns.map(([set, metric]) => `\`${set}\`: ${HEADINGS[metric]}`)], rows);
}

const TABLES = {
  contrasts: contrastsTable,
  excess: excessTable,
  'look-alikes': (results) => armsTable(results, LOOK_ALIKES),
  others: (results) => armsTable(results, OTHERS),
  champion: championTable,
  shortcut: shortcutTable,
  baseline: baselineTable,
  seconds: secondsTable,
  means: meansTable,
  rungs: rungsTable,
  summary: summaryTable,
};

const resultsOf = (folder) => JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));

/** The page of a folder, with its tables written anew from the results. */
export function withTables(folder) {
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  return page.replace(BLOCK, (_, begin, name, studies, end) => {
    const folders = studies ? studies.split(', ').map((study) => join(STUDIES, study)) : [folder];
    return `${begin}\n${TABLES[name](...folders.map(resultsOf))}\n\n${end}`;
  });
}

/** Folders that hold a page: the index and every study. */
export const pages = [STUDIES, ...readdirSync(STUDIES).map((name) => join(STUDIES, name))].filter((folder) =>
  existsSync(join(folder, 'README.md')),
);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of pages) writeFileSync(join(folder, 'README.md'), withTables(folder));
}
