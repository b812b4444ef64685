/** Errors of capturing and replaying a step, and the watch during a capture. */
import { DoppelError, type Explanation } from '@doppel/core/errors';

/**
 * - `backend`: it has no graphs
 * - `fallback`: a kernel ran in JavaScript
 * - `read`, `upload`: the step wanted values from the device, or gave it some
 * - `state`: the step changes other tensors than declared, or they changed since
 * - `inputs`: of another name, type or size than captured
 * - `step`: it failed, or the graph is gone
 */
export type GraphReason = 'backend' | 'fallback' | 'read' | 'upload' | 'state' | 'inputs' | 'step';

export class GraphError extends DoppelError {
  readonly tag = 'graph';
  readonly reason: GraphReason;
  constructor(what: Explanation & { reason: GraphReason }) {
    super(what);
    this.reason = what.reason;
  }
}

const RULES = {
  fallback: ['kernels of the device alone', 'Use ops that the addon serves, or train without a graph.'],
  read: ['a step that reads nothing', 'Return what you want to read as a scalar of the step.'],
  upload: ['a step that computes from its inputs', 'Pass the values as an input, or make the tensor before.'],
} as const;

/** Keeps the first forbidden operation during a capture, in case the step swallows its error. */
export class CaptureWatch {
  failure: GraphError | undefined;

  refuse(reason: keyof typeof RULES, found: string): never {
    const [expected, remedy] = RULES[reason];
    const error = new GraphError({ reason, action: 'capture the step', expected, found, remedy });
    this.failure ??= error;
    throw error;
  }
}
