/** Spelling suggestion for a mistyped word. */

const bare = (word: string) => word.replace(/^-+/, '');

/** Candidate nearest to the word; undefined if more than a third of the letters differ. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const [first] = candidates
    .map((candidate) => ({ candidate, distance: distance(bare(word), bare(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  return first && first.distance <= Math.ceil(bare(word).length / 3) ? first.candidate : undefined;
}

/** Levenshtein distance: insertions, deletions and substitutions of letters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
