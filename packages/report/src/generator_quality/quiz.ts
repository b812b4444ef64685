/**
 * A quiz: real and generated patches mixed on one page, numbered, with the key in a separate file. Where people do no
 * better than half, the patches look real.
 */

import { Rng } from '@doppel/core/base';
import type { ShownPatches } from '@doppel/core/generator';
import { paragraph } from '../page/html.ts';
import { STYLE } from '../page/style.ts';
import { dataUri, pictureOf } from '../pictures/picture.ts';
import { rasterAt } from './pictures.ts';

export interface QuizAnswer {
  number: number;
  answer: 'real' | 'generated';
  /** Identifier of the record of a real patch. */
  id?: string;
  /** Number of the sample, from 1. */
  sample?: number;
}

export interface Quiz {
  /** One page, that does not hold the answers. */
  page: string;
  key: { doppel: 'quiz'; version: 1; seed: number; generator: string; answers: QuizAnswer[] };
}

/** Largest number of patches of each kind. */
const EACH = 24;

/** The same quiz for the same seed. @param generator its fingerprint. */
export function quizOf(
  { sets, made = sets.generated, records: rows }: ShownPatches,
  records: readonly { id: string }[],
  { seed, generator }: { seed: number; generator: string },
): Quiz {
  const rng = Rng.derive(seed, 'quiz');
  const each = Math.min(EACH, made.count);
  const chosen = rng.shuffle(Array.from({ length: made.count }, (_, row) => row)).slice(0, each);
  const held = (row: number) => (row % 2 === 0 ? ('heldOutA' as const) : ('heldOutB' as const));
  const cards = rng.shuffle([
    ...chosen.map((row) => ({ raster: rasterAt(made, row), answer: 'generated' as const, sample: row + 1 })),
    ...chosen.map((row) => ({
      raster: rasterAt(sets[held(row)], row),
      answer: 'real' as const,
      id: records[rows[held(row)][row]!]!.id,
    })),
  ]);
  const answers = cards.map(({ raster: _, ...answer }, i): QuizAnswer => ({ number: i + 1, ...answer }));
  const pictures = cards.map(({ raster }) => dataUri(pictureOf(raster)));
  return { page: pageOf(pictures, each), key: { doppel: 'quiz', version: 1, seed, generator, answers } };
}

const TILES = `
.quiz { display: grid; grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); gap: 14px; margin: 0; padding: 0; list-style: none; }
.quiz li { font-size: .875rem; } .quiz label { display: flex; justify-content: space-between; margin-top: 4px; }
.quiz img { width: 100%; aspect-ratio: 1; display: block; border-radius: 4px; image-rendering: pixelated; }
@media print { .quiz { grid-template-columns: repeat(6, 1fr); } }
`;

function pageOf(pictures: readonly string[], each: number): string {
  const tiles = pictures.map((picture, i) => {
    const number = i + 1;
    return `<li><img src="${picture}" alt="patch ${number}"><label><b>${number}</b><span>made <input type="checkbox" aria-label="patch ${number} is made"></span></label></li>`;
  });
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Real or made?</title><style>${STYLE}${TILES}</style></head><body>`,
    '<header><h1>Real or made?</h1>',
    paragraph(
      `Of these ${pictures.length} radar patches ${each} are real and ${each} are generated, in random order.`,
      'lead',
    ),
    paragraph(
      'Tick the patches that you think are generated; the key is in key.json. Each patch has its own contrast.',
      'soft',
    ),
    `</header><main><ol class="quiz">${tiles.join('\n')}</ol></main><footer></footer></body></html>\n`,
  ].join('\n');
}
