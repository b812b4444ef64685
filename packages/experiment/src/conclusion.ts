/**
 * Conclusion of an experiment in sentences, derived from the comparisons: a loss is reported as a loss, and arms not
 * run as not run. "Away from 0" means that the whole interval lies on one side of it.
 */
import { percentage, plural } from '@doppel/report';
import type { ExperimentMetric } from './arm_sample.ts';
import type { ContrastResult } from './contrasts.ts';
import { perCent } from './plan.ts';
import type { Comparison, Results } from './result_types.ts';

type Facts = Pick<Results, 'groups' | 'contrasts' | 'excess' | 'toBaseline' | 'toBest' | 'baseline' | 'champion'>;

const EASY = 'shuffled';

export function conclude(facts: Facts): string[] {
  const arms = [...new Set(facts.toBaseline.map(({ arm }) => arm))];
  const fixed = [...facts.contrasts.map(contrastSentence), ...excessSentences(facts)];
  return [...fixed, ...arms.flatMap((arm) => againstBaseline(arm, facts)), againstBest(facts), caveat(facts)];
}

/** Sentence for each matcher and budget on the excess of false alarms that arms remove. */
function excessSentences({ groups, excess, baseline }: Facts): string[] {
  return groups.flatMap(({ matcher, budget }) => {
    const own = excess.filter((each) => each.matcher === matcher && each.budget === budget);
    if (own.length === 0) return [];
    const told = own.map(({ arm, removed }) => {
      if (!removed) return `${arm} not known`;
      const { mean, interval } = removed;
      const range = interval ? ` (${interval.map(percentage).join(' to ')})` : '';
      return `${arm} ${percentage(mean)}${range}`;
    });
    if (own.every(({ removed }) => !removed)) {
      return [
        `No share of an excess is known at ${perCent(budget)} % (${matcher}): at 80 % recall ${baseline} has no more false ` +
          'alarms on look-alikes than on shuffled pairs, or these are not defined.',
      ];
    }
    return [
      `Share of the excess of ${baseline}, look-alikes over shuffled at 80 % recall, that is removed at ${perCent(budget)} % ` +
        `(${matcher}): ${told.join('; ')}.`,
    ];
  });
}

const NAMES: Partial<Record<ExperimentMetric, string>> = {
  fpr80: 'FPR at 80 % recall',
  fpr95: 'FPR at 95 % recall',
};

/** Sentence on a comparison that was fixed beforehand. */
function contrastSentence(contrast: ContrastResult): string {
  const { name, arm, against, set, metric, mean, relative, interval, p, seeds, equivalence } = contrast;
  const range = interval ? ` (95 % interval ${interval.map(signed).join(' to ')}, p ${p!.toPrecision(2)})` : '';
  const share = relative === null ? '' : `${signed(relative)} % of it, `;
  const what =
    `Fixed beforehand, ${name}: ${arm} − ${against}, ${NAMES[metric] ?? metric} on ${set}, ${perCent(contrast.budget)} % ` +
    `(${contrast.matcher}): ${signed(mean)} points${range}, ${share}over ${plural(seeds.length, 'seed')}`;
  if (!equivalence) return `${what}.`;
  const margin = percentage(equivalence.margin).replace(' %', '');
  return `${what}; ${equivalence.holds ? 'equal' : 'not shown to be equal'} within ±${margin} points.`;
}

/** Sentences on false alarms at 95 % recall and ranking on the hard sets, then on accuracy on the shuffled one. */
function againstBaseline(arm: string, { toBaseline, baseline }: Facts): string[] {
  const own = toBaseline.filter((each) => each.arm === arm);
  const hard = own.filter(({ set }) => set !== EASY);
  const easy = own.filter(({ set }) => set === EASY);
  const sentences: string[] = [];
  if (hard.length > 0) {
    sentences.push(
      `${arm} against ${baseline}, FPR at 95 % recall on the hard sets: ${tally(hard, 'fpr95')}. ${largest(hard, 'fpr95')}`,
      `The same at 80 % recall: ${tally(hard, 'fpr80')}. ${largest(hard, 'fpr80')}`,
      `Ranking of ${arm} against ${baseline}, ROC-AUC on the hard sets: ${tally(hard, 'auc')}. ${largest(hard, 'auc')}`,
    );
  }
  if (easy.length > 0) {
    const told = easy.map(({ matcher, budget, difference: { accuracy } }) => {
      return `${signed(accuracy.mean)} points at ${perCent(budget)} % (${matcher}${isAway(accuracy.interval) ? ', interval away from 0' : ''})`;
    });
    sentences.push(`Accuracy of ${arm} against ${baseline} on shuffled pairs: ${told.join('; ')}.`);
  }
  return sentences;
}

type Metric = 'fpr95' | 'fpr80' | 'auc';

/** Counts comparisons in which the metric is lower and higher, and those beyond chance. */
function tally(comparisons: readonly Comparison[], metric: Metric): string {
  const values = comparisons.map(({ difference }) => difference[metric]);
  const lower = values.filter(({ mean }) => mean < 0).length;
  const surelyLower = values.filter(({ interval }) => interval !== null && interval[1] < 0).length;
  const higher = values.filter(({ mean }) => mean > 0).length;
  const surelyHigher = values.filter(({ interval }) => interval !== null && interval[0] > 0).length;
  const count = comparisons.filter(({ adjusted }) => adjusted[metric] < 0.05).length;
  const significant =
    count === 0 ? 'no difference is significant after correction' : `${count} significant after correction (p < 0.05)`;
  return (
    `lower in ${lower} of ${values.length} comparisons (interval away from 0 in ${surelyLower}), ` +
    `higher in ${higher} (away from 0 in ${surelyHigher}); ${significant}`
  );
}

/** The difference that is furthest from 0. */
function largest(comparisons: readonly Comparison[], metric: Metric): string {
  const distance = ({ difference }: Comparison) => Math.abs(difference[metric].mean);
  const [most] = comparisons.toSorted((a, b) => distance(b) - distance(a));
  const { set, matcher, budget, difference } = most!;
  const { mean, interval } = difference[metric];
  const text = metric === 'auc' ? signedValue : signed;
  const range = interval ? ` (${interval.map(text).join(' to ')})` : '';
  const unit = metric === 'auc' ? '' : ' points';
  return `The largest: ${text(mean)}${unit}${range} on ${set} at ${perCent(budget)} % (${matcher}).`;
}

function againstBest({ toBest, champion, groups }: Facts): string {
  if (!groups.some(({ arms }) => arms.some(({ arm }) => arm === champion))) {
    return `The arm ${champion} was not run.`;
  }
  return (
    `${champion} against the best of all other arms in each set, FPR at 95 % recall: ${tally(toBest, 'fpr95')}; ` +
    `at 80 % recall: ${tally(toBest, 'fpr80')}.`
  );
}

/** Sentence on the limits of the numbers. */
function caveat({ groups }: Facts): string {
  const seeds = new Set(groups.flatMap(({ arms }) => arms.flatMap((arm) => arm.seeds)));
  const steps = groups.map((group) => group.steps);
  const rising = groups.filter(({ baseline }) => isRising(baseline.map(({ validationAuc }) => validationAuc)));
  const grown =
    rising.length === 0
      ? 'The baseline had stopped improving on validation.'
      : `The baseline was still improving on validation at the end in ${rising.length} of ${groups.length} settings, so longer training may give another picture.`;
  return (
    `This rests on ${seeds.size} seed${seeds.size === 1 ? '' : 's'} and ${Math.round(Math.min(...steps))}` +
    `${Math.min(...steps) === Math.max(...steps) ? '' : ` to ${Math.round(Math.max(...steps))}`} updates a matcher. ${grown}`
  );
}

/** True where the last third of the epochs holds a value above all earlier ones by more than half a point. */
export function isRising(values: readonly number[]): boolean {
  if (values.length < 3) return true;
  const cut = Math.ceil((values.length * 2) / 3);
  return Math.max(...values.slice(cut)) > Math.max(...values.slice(0, cut)) + 0.005;
}

const isAway = (interval: readonly [number, number] | null) =>
  interval !== null && (interval[0] > 0 || interval[1] < 0);

/** 0.031 → "+3.1" */
function signed(share: number): string {
  const text = percentage(Math.abs(share)).replace(' %', '');
  if (Number(text) === 0) return text;
  return `${share < 0 ? '−' : '+'}${text}`;
}

/** 0.0277 → "+0.028" */
const signedValue = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
