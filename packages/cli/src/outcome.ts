/** The result of a command: JSON, text and exit code. */

export interface Outcome {
  /** Printed with --json. */
  json: object;
  /** Printed without --json. */
  text: string;
  /** Exit code. Default 0; 1 for a finished command that found failures, such as `verify`; 130 after Ctrl-C. */
  exitCode?: number;
  /** The command has streamed its results to stdout already: print nothing more. */
  streamed?: boolean;
}

/** Ends a command that Ctrl-C stopped before it had a result. */
export class Interrupted extends Error {
  readonly outcome: Outcome;

  constructor({ json, text = 'interrupted; nothing was written', ...rest }: Partial<Outcome> = {}) {
    super(text);
    this.outcome = { ...rest, json: { interrupted: true, ...json }, text, exitCode: 130 };
  }
}
