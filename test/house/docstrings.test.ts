/** Docstrings begin with a noun or a verb and use the field's words: a reader must not translate. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, readSources } from './source_imports.ts';

/** Words that begin a phrase whose noun the reader would have to guess. */
const NO_OPENING = new Set(
  `of whose whether what where how which as from for in on by to until when since is has does was were are with without
   than that if not nothing none only likewise at whoever whatever below above after before between`.split(/\s+/),
);

/** Words that stand for another one of the field or of plain English, with that one. */
const NO_WORDS: Record<string, RegExp> = {
  again: /\banew\b/,
  'resume, resumed': /\b(?:taken|takes|take|taking) up (?:a run|the run|again|where)\b|\btaken up\b/,
  'the caller': /\bwhoever\b/,
  'invalid …': /\bthat is none\b|\bcannot be meant\b|\bare off\b/,
  'with other settings': /\bmade otherwise\b/,
  'at most N, N of M': /\bso many\b/,
  'discard it': /\bof no use any more\b/,
};

/** Opening text of each docstring of a source, without its stars. */
function docstringsOf(text: string): string[] {
  return [...text.matchAll(/\/\*\*\s*(.*?)\*\//gs)].map((match) => match[1]!.replace(/\n\s*\*\s?/g, ' ').trim());
}

function faultOf(docstring: string): string | undefined {
  const prose = docstring.replace(/```.*?```/gs, '');
  const first = /^[A-Za-z]+/.exec(prose)?.[0].toLowerCase();
  if (first && NO_OPENING.has(first)) return `begins with "${first}"`;
  const word = Object.entries(NO_WORDS).find(([, pattern]) => pattern.test(prose));
  return word && `write ${word[0]} for ${word[1].exec(prose)?.[0]}`;
}

describe('docstrings', () => {
  it('begin with a noun or a verb, in the words of the field', () => {
    const faults = readSources().flatMap(({ path }) =>
      docstringsOf(readFileSync(join(ROOT, path), 'utf8')).flatMap((docstring) => {
        const fault = faultOf(docstring);
        return fault ? [`${path}: "${docstring.slice(0, 60)}": ${fault}`] : [];
      }),
    );
    expect(faults).toEqual([]);
  });

  it.each([
    ['/** Of the patches, in pixels. */', 'begins with "of"'],
    ['/**\n * Finds the negatives\n * anew.\n */', 'write again for anew'],
    ['/** Patch side length in pixels. */', undefined],
  ])('%s', (text, fault) => {
    expect(faultOf(docstringsOf(text)[0]!)).toBe(fault);
  });
});
