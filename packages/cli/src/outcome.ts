/** What a command leaves for whoever called it. */

export interface Outcome {
  /** Printed with --json. */
  json: object;
  /** Printed without. */
  text: string;
  /** For a command that ran to its end and found failures, such as `verify`. Default 0; 130 after Ctrl-C. */
  exitCode?: number;
  /** The command has streamed its results to stdout already: print nothing more. */
  streamed?: boolean;
}

/** Ctrl-C ended the work before there was a result. */
export class Interrupted extends Error {
  readonly outcome: Outcome;

  constructor({ json, text = 'interrupted; nothing was written', ...rest }: Partial<Outcome> = {}) {
    super(text);
    this.outcome = { ...rest, json: { interrupted: true, ...json }, text, exitCode: 130 };
  }
}
