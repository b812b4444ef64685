/**
 * Findings of an import: its guesses, and the conversions of samples that files ask for. They are recorded in the
 * header of the data set and reported at the end. A strict import refuses the first guess.
 */
import { FormatError } from '../errors.ts';

/** Maximum number of distinct sentences that are kept; a folder of patches repeats them thousands of times. */
const MAX_KINDS = 100;

/** A sentence, with the files that it applies to. */
export interface Finding extends Heard {
  kind: 'guess' | 'note';
  sentence: string;
}

interface Heard {
  /** First file that it applies to. */
  file: string;
  files: number;
}

export class Findings {
  private readonly isStrict: boolean;
  private readonly guesses = new Map<string, Heard>();
  private readonly notes = new Map<string, Heard>();

  constructor(isStrict = false) {
    this.isStrict = isStrict;
  }

  /** @throws FormatError where the import is strict and something was guessed. */
  add(file: string, { guesses, notes }: { guesses: readonly string[]; notes: readonly string[] }): void {
    for (const note of notes) hear(this.notes, file, note);
    for (const guess of guesses) this.guess(file, guess);
  }

  /** @throws FormatError where the import is strict. */
  guess(file: string, guess: string): void {
    if (this.isStrict) {
      throw new FormatError({
        ...{ action: 'import', file, expected: 'nothing to guess, as --strict asks', found: guess },
        remedy: 'Say it by a flag (--unit, --no-data …) or in the file, or leave --strict out.',
      });
    }
    hear(this.guesses, file, guess);
  }

  /** @throws FormatError where the import is strict and there is one. */
  guessAll(file: string, guesses: readonly string[]): void {
    for (const guess of guesses) this.guess(file, guess);
  }

  /** All that was found, as plain data. */
  list(): Finding[] {
    const of = (kind: Finding['kind'], heard: ReadonlyMap<string, Heard>) =>
      [...heard].map(([sentence, { file, files }]) => ({ kind, sentence, file, files }));
    return [...of('guess', this.guesses), ...of('note', this.notes)];
  }

  /** Adds what was found elsewhere. */
  adopt(findings: readonly Finding[]): void {
    for (const { kind, sentence, file, files } of findings) {
      hear(kind === 'guess' ? this.guesses : this.notes, file, sentence, files);
    }
  }

  /** Entries for the header of a data set. */
  made(): { guesses?: string[]; notes?: string[] } {
    const [guesses, notes] = [sentences(this.guesses), sentences(this.notes)];
    return { ...(guesses.length > 0 && { guesses }), ...(notes.length > 0 && { notes }) };
  }
}

function hear(heard: Map<string, Heard>, file: string, sentence: string, files = 1): void {
  const before = heard.get(sentence);
  if (before) before.files += files;
  else if (heard.size < MAX_KINDS) heard.set(sentence, { file, files });
}

const sentences = (heard: ReadonlyMap<string, Heard>) =>
  [...heard].map(([sentence, { file, files }]) => `${file}${files > 1 ? ` and ${files - 1} more` : ''}: ${sentence}`);
