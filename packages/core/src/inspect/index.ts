/**
 * Inspection of data sets: ranges, looks, offsets of the two sensors, suspicious pairs.
 *
 * @module
 * @example
 * ```ts
 * import { openDataset } from '@doppel/core/dataset';
 * import { inspectDataset } from '@doppel/core/inspect';
 * import { FileStore } from '@doppel/core/node';
 *
 * const dataset = await openDataset(new FileStore(), 'runs/data');
 * const { suspicions } = await inspectDataset(dataset, { offsets: 0 });
 * console.log(suspicions.length); // 0
 * ```
 */
export { AUDIT_LIMITS, distanceOf, formatAudit, type Suspicion } from './audit.ts';
export { type Inspection, inspectDataset, type ModalityReport } from './inspect.ts';
