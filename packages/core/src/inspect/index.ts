export { AUDIT_LIMITS, distanceOf, formatAudit, type Suspicion } from './audit.ts';
export { type Inspection, inspectDataset, type ModalityReport } from './inspect.ts';
