/** Trained network in the box: a checkpoint that lies beside this code, with its card. */
export interface Boxed {
  /** Name that stands for the file, as in `--model NAME` or `--generator NAME`. */
  readonly name: string;
  /** Sensors, ground and resolution, in one line. */
  readonly description: string;
  /** Patch side length that it was trained on, in pixels; a matcher's was calibrated there, too. */
  readonly side: number;
  /** Address of the checkpoint: a file in Node and Deno, a URL in a browser. */
  checkpoint(): URL;
  /** Address of the card, a page of Markdown. */
  card(): URL;
}
