/** Failures of a schema as one line of a message. */
import { z } from 'zod';

/** Longest text, for a body may be wrong in thousands of places. */
const MAX_LENGTH = 500;

export const foundBySchema = (error: z.core.$ZodError): string =>
  z
    .prettifyError(error)
    .replaceAll(/\s*\n\s*/g, ' ')
    .slice(0, MAX_LENGTH);
