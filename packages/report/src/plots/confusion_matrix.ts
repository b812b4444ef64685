/** Confusion matrix: four counts, each with its share of its row. */
import type { Confusion } from '@doppel/core/evaluation';
import { percent } from './axis.ts';
import { type PlotOptions, page, titleText } from './chart.ts';
import { element, INK, text } from './svg.ts';

export interface ConfusionMatrix extends PlotOptions {
  confusion: Confusion;
}

interface Cell {
  row: 0 | 1;
  column: 0 | 1;
  count: number;
  ofRow: number;
}

/** Right calls in the colour of a match, wrong ones in that of a mismatch, as strong as their share. */
export function confusionMatrix({ confusion, width = 480, height = 320, title }: ConfusionMatrix): string {
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = confusion;
  const [positives, negatives] = [truePositives + falseNegatives, falsePositives + trueNegatives];
  const cells: Cell[] = [
    { row: 0, column: 0, count: truePositives, ofRow: truePositives / positives },
    { row: 0, column: 1, count: falseNegatives, ofRow: falseNegatives / positives },
    { row: 1, column: 0, count: falsePositives, ofRow: falsePositives / negatives },
    { row: 1, column: 1, count: trueNegatives, ofRow: trueNegatives / negatives },
  ];
  const box = { left: 112, top: title ? 62 : 38, right: width - 16, bottom: height - 12 };
  const size = { width: (box.right - box.left) / 2, height: (box.bottom - box.top) / 2 };
  const middle = (row: number) => box.top + (row + 0.5) * size.height;
  const centre = (column: number) => box.left + (column + 0.5) * size.width;
  const description =
    `Confusion matrix: ${truePositives} true positives, ${falseNegatives} false negatives, ` +
    `${falsePositives} false positives, ${trueNegatives} true negatives`;
  return page(width, height, description, [
    title ? titleText(title) : '',
    ...['called a match', 'called no match'].map((name, column) =>
      text(name, { x: centre(column), y: box.top - 10, 'text-anchor': 'middle', 'font-size': 13 }),
    ),
    ...['same', 'different'].flatMap((name, row) => [
      text(name, { x: box.left - 12, y: middle(row) - 2, 'text-anchor': 'end', 'font-size': 13 }),
      text('place', { x: box.left - 12, y: middle(row) + 14, 'text-anchor': 'end', 'font-size': 13 }),
    ]),
    ...cells.map((cell) => drawCell(cell, centre(cell.column), middle(cell.row), size)),
  ]);
}

function drawCell(cell: Cell, centre: number, middle: number, size: { width: number; height: number }): string {
  const color = cell.row === cell.column ? INK.match : INK.noMatch;
  const share = Number.isNaN(cell.ofRow) ? 0 : cell.ofRow;
  const rect = {
    x: centre - size.width / 2 + 2,
    y: middle - size.height / 2 + 2,
    width: size.width - 4,
    height: size.height - 4,
    rx: 6,
  };
  const label = { x: centre, 'text-anchor': 'middle' };
  return (
    element('rect', {
      ...rect,
      fill: color,
      'fill-opacity': 0.04 + 0.18 * share,
      stroke: color,
      'stroke-opacity': 0.5,
    }) +
    text(cell.count.toLocaleString('en'), {
      ...label,
      class: 'text strong',
      y: middle,
      'font-size': 22,
      'font-weight': 600,
    }) +
    text(Number.isNaN(cell.ofRow) ? '–' : percent(cell.ofRow, 1), { ...label, y: middle + 20, 'font-size': 13 })
  );
}
