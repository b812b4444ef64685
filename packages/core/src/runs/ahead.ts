/** Prepares the input of steps one step ahead: while a step computes, the files of the next are read. */

/**
 * Takes what a step needs and begins to prepare the next.
 *
 * @param prepare makes a step's input; its failure is reported by the step that it is for.
 * @param hasNext false where the input of the next step is not known yet, or there is none.
 */
export type TakeStep<Input> = (
  step: number,
  prepare: (step: number) => Promise<Input>,
  hasNext: boolean,
) => Promise<Input>;

export function oneStepAhead<Input>(): TakeStep<Input> {
  let ahead: { step: number; prepared: Promise<Input> } | undefined;
  return async (step, prepare, hasNext) => {
    const input = await (ahead?.step === step ? ahead.prepared : prepare(step));
    ahead = hasNext ? { step: step + 1, prepared: prepare(step + 1) } : undefined;
    ahead?.prepared.catch(() => {}); // reported when awaited, at its own step
    return input;
  };
}
