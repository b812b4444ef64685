/** The flag `--results` of commands that read the results of a batch. */
import { z } from 'zod';

export const RESULTS_FLAG = {
  results: z
    .array(z.string().min(1))
    .optional()
    .meta({ description: 'Folders of results beside that of the plan', hint: 'folders' }),
};

/** Folders in which results may lie. */
export const rootsOf = ({ plan, results = [] }: { plan: string; results?: string[] | undefined }): string[] => [
  ...new Set([plan, ...results]),
];
