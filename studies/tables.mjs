/**
 * The tables of docs/experiment.md, written from the results.json that the page names, so that no figure is copied by hand:
 * `node scripts/experiment_page.mjs` replaces what stands between `<!-- KIND of FILE[, FILE …] -->` and `<!-- end of KIND -->`.
 * Kinds: `tables`, all of one file; `means`, its differences to the baseline in the mean of the budgets; `summary`, what several
 * files say of the arms that matter most.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/experiment.md', import.meta.url));
const BLOCK = /(<!-- (tables|means|summary) of ([^>]+) -->\n)[\s\S]*?(<!-- end of \2 -->)/g;

/** [test set, metric, heading, whether it is a share] */
const COLUMNS = [
  ['look-alikes', 'fpr80', 'FPR at 80 % recall, `look-alikes`, %', true],
  ['look-alikes', 'fpr95', 'FPR at 95 % recall, `look-alikes`, %', true],
  ['look-alikes', 'auc', 'ROC-AUC, `look-alikes`', false],
  ['shift-16', 'fpr80', 'FPR at 80 % recall, `shift-16`, %', true],
  ['shuffled', 'fpr95', 'FPR at 95 % recall, `shuffled`, %', true],
  ['shuffled', 'accuracy', 'accuracy, `shuffled`, %', true],
];

const value = (number, isShare) => (isShare ? (100 * number).toFixed(1) : number.toFixed(3));
const signed = (number, isShare) => {
  const text = value(Math.abs(number), isShare);
  if (Number(text) === 0) return text;
  return `${number < 0 ? '−' : '+'}${text}`;
};

const holdsZero = ([low, high]) => low <= 0 && high >= 0;

/** −2.6; −4.5 to −0.2, bold where the interval does not hold 0, † where it is significant after correction. */
function difference({ difference, adjusted }, metric, isShare) {
  const { mean, interval } = difference[metric];
  const text = `${signed(mean, isShare)}; ${interval.map((each) => signed(each, isShare)).join(' to ')}`;
  return `${holdsZero(interval) ? text : `**${text}**`}${adjusted[metric] < 0.05 ? ' †' : ''}`;
}

const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (heads, rows) => [row(heads), row(heads.map(() => '---')), ...rows].join('\n');

const percent = (budget) => `${Number((100 * budget).toFixed(2))} %`;
const byBudget = (groups) => [...groups].sort((a, b) => a.matcher.localeCompare(b.matcher) || a.budget - b.budget);

function armsTable({ groups, toBaseline }) {
  const rows = byBudget(groups).flatMap(({ matcher, budget, places, pairs, arms }) => [
    row([
      `**${matcher}, ${percent(budget)}: ${Math.round(places)} places, ${Math.round(pairs).toLocaleString('en')} pairs**`,
      ...COLUMNS.map(() => ''),
    ]),
    ...arms.map(({ arm, sets }) => {
      const against = (set) =>
        toBaseline.find(
          (each) => [each.matcher, each.budget, each.set, each.arm].join() === [matcher, budget, set, arm].join(),
        );
      const cells = COLUMNS.map(([set, metric, , isShare]) => {
        const compared = against(set);
        const mean = value(sets[set][metric].mean, isShare);
        return compared ? `${mean} (${difference(compared, metric, isShare)})` : mean;
      });
      return row([`\`${arm}\``, ...cells]);
    }),
  ]);
  return table(['arm', ...COLUMNS.map(([, , heading]) => heading)], rows);
}

function championTable({ toBest, champion }) {
  const rows = byBudget(toBest).map((compared) =>
    row([
      `${compared.matcher}, ${percent(compared.budget)}`,
      `\`${compared.set}\``,
      `\`${compared.against}\``,
      ...['fpr80', 'fpr95', 'accuracy'].map((metric) => difference(compared, metric, true)),
      difference(compared, 'auc', false),
    ]),
  );
  const heads = ['FPR at 80 % recall, points', 'FPR at 95 % recall, points', 'accuracy, points', 'ROC-AUC'];
  return table(['matcher, budget', 'test set', `\`${champion}\` less the best other arm`, ...heads], rows);
}

function shortcutTable({ groups }) {
  const rows = byBudget(groups).flatMap(({ matcher, budget, arms }) =>
    arms
      .filter(({ shortcut }) => shortcut)
      .map(({ arm, shortcut: { real, reconstructed, lost, probeAuc } }) =>
        row([
          `${matcher}, ${percent(budget)}`,
          `\`${arm}\``,
          ...[real, reconstructed].map((each) => each.toFixed(2)),
          `${(100 * lost).toFixed(0)} %`,
          probeAuc === null ? '–' : probeAuc.toFixed(2),
        ]),
      ),
  );
  return table(['matcher, budget', 'arm', 'real patch', 'its reconstruction', 'lost', 'probe, AUC'], rows);
}

function lengthsTable({ groups }) {
  const rows = byBudget(groups).map(({ matcher, budget, steps, baseline, arms }) =>
    row([
      `${matcher}, ${percent(budget)}`,
      steps,
      baseline.map(({ step, validationAuc }) => `${step}: ${validationAuc.toFixed(3)}`).join(', '),
      arms.map(({ arm, seconds }) => `\`${arm}\` ${Math.round(seconds.mining + seconds.training)}`).join(', '),
    ]),
  );
  const heads = [
    'updates',
    'the baseline’s ROC-AUC on validation by update',
    'seconds of the second stage, mining included',
  ];
  return table(['matcher, budget', ...heads], rows);
}

/** The tables of one results.json, as Markdown. */
export function tablesOf(results) {
  return [
    armsTable(results),
    ...(results.toBest.length > 0 ? [championTable(results)] : []),
    shortcutTable(results),
    lengthsTable(results),
  ].join('\n\n');
}

/** [arm, test set, metric, what it is called], all of shares. */
const SUMMARY_ROWS = ['noise', 'generated', 'adaptive'].flatMap((arm) => [
  [arm, 'look-alikes', 'fpr80', 'FPR at 80 % recall, `look-alikes`'],
  [arm, 'look-alikes', 'fpr95', 'FPR at 95 % recall, `look-alikes`'],
  [arm, 'shuffled', 'accuracy', 'accuracy, `shuffled`'],
]);

/** Of one arm and set, by budget. */
const comparisonsOf = ({ toBaseline }, arm, set) =>
  byBudget(toBaseline).filter((each) => each.arm === arm && each.set === set);

/** Differences to the baseline, a column for each file and a figure for each budget, bold where the interval does not hold 0. */
function summaryOf(files) {
  const headOf = ({ groups }) => {
    const [{ matcher, arms }] = groups;
    const budgets = byBudget(groups).map(({ budget }) => percent(budget));
    return `\`${matcher}\`, seeds ${arms[0].seeds.join(', ')}: ${budgets.join(', ')}`;
  };
  const figure = ({ difference }, metric) => {
    const { mean, interval } = difference[metric];
    return holdsZero(interval) ? signed(mean, true) : `**${signed(mean, true)}**`;
  };
  const rows = SUMMARY_ROWS.map(([arm, set, metric, heading]) => [
    `\`${arm}\`, ${heading}`,
    ...files.map((results) =>
      comparisonsOf(results, arm, set)
        .map((each) => figure(each, metric))
        .join(', '),
    ),
  ]);
  return table(['less the baseline, points', ...files.map(headOf)], rows.map(row));
}

/** Differences of each arm to the baseline, in the mean of its budgets; which, where it was not run at all of them. */
function meansOf([results]) {
  const budgets = new Set(results.groups.map(({ budget }) => budget));
  const arms = [...new Set(byBudget(results.groups).flatMap((group) => group.arms.map(({ arm }) => arm)))];
  const rows = arms
    .filter((arm) => arm !== results.baseline)
    .map((arm) => {
      const own = comparisonsOf(results, arm, COLUMNS[0][0]).map(({ budget }) => percent(budget));
      const cells = COLUMNS.map(([set, metric, , isShare]) => {
        const found = comparisonsOf(results, arm, set).map(({ difference }) => difference[metric].mean);
        return signed(found.reduce((sum, each) => sum + each, 0) / found.length, isShare);
      });
      return row([`\`${arm}\`${own.length < budgets.size ? ` (${own.join(', ')})` : ''}`, ...cells]);
    });
  return table(['less the baseline', ...COLUMNS.map(([, , heading]) => heading.replace(', %', ', points'))], rows);
}

const KINDS = { tables: ([results]) => tablesOf(results), means: meansOf, summary: summaryOf };

/** The page with its tables as the results say. */
export function withTables(page, folder) {
  return page.replace(BLOCK, (_, begin, kind, names, end) => {
    const files = names.split(', ').map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
    return `${begin}\n${KINDS[kind](files)}\n\n${end}`;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), dirname(PAGE)));
}
