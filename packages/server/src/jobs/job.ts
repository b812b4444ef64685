/** A registration as a job: what its client sees, and the record of it in its folder. */
import { z } from '@hono/zod-openapi';
import { problemSchema } from '../problem.ts';

export const STATES = ['queued', 'running', 'done', 'refused', 'failed', 'cancelled'] as const;
export type JobState = (typeof STATES)[number];

export const SCENES = ['sar', 'optical'] as const;
export type SceneName = (typeof SCENES)[number];

const inputSchema = z.object({
  name: z.string().openapi({ description: 'Name that the file came with' }),
  bytes: z.int(),
});
const inputsSchema = z.object({ sar: inputSchema, optical: inputSchema });
export type JobInputs = z.infer<typeof inputsSchema>;

/** Summary of a finished registration: what `doppel register --json` prints, with addresses instead of paths. */
const resultSchema = z
  .looseObject({
    status: z.enum(['trusted', 'refused']),
    reason: z.string().optional(),
    files: z.record(z.string(), z.string()),
  })
  .openapi('RegistrationResult');
export type JobResult = z.infer<typeof resultSchema>;

const progressSchema = z.object({ done: z.number(), total: z.number(), phase: z.string() });
export type JobProgress = z.infer<typeof progressSchema>;

const common = {
  id: z.string(),
  state: z.enum(STATES),
  created: z.string().openapi({ format: 'date-time' }),
  started: z.string().optional(),
  ended: z.string().optional(),
  inputs: inputsSchema,
  settings: z.record(z.string(), z.unknown()).openapi({ description: 'Settings as the client gave them' }),
  problem: problemSchema.optional().openapi({ description: 'Why the job failed' }),
  result: resultSchema.optional(),
};

export const jobSchema = z
  .object({
    ...common,
    progress: progressSchema.optional(),
    files: z.array(z.object({ name: z.string(), bytes: z.int(), type: z.string(), href: z.string() })).optional(),
    links: z.object({ self: z.string(), events: z.string() }),
  })
  .openapi('Registration');
export type Job = z.infer<typeof jobSchema>;

/** A job as its folder keeps it. */
export const recordSchema = z.object({
  version: z.literal(1),
  ...common,
  /** Name of the key that it came with; absent: no key was asked for. */
  owner: z.string().optional(),
  /** Number of its starts, without those that the server's own end cut short. */
  attempts: z.int().min(0),
  files: z.array(z.object({ name: z.string(), bytes: z.int() })).optional(),
});
export type JobRecord = z.infer<typeof recordSchema>;

const UNFINISHED: readonly JobState[] = ['queued', 'running'];
export const isFinished = ({ state }: { state: JobState }): boolean => !UNFINISHED.includes(state);

export const pathOf = (id: string): string => `/v1/registrations/${id}`;
const hrefOf = (id: string, name: string): string => `${pathOf(id)}/files/${name}`;

/** The job as its client sees it. */
export function jobOf(record: JobRecord, progress: JobProgress | undefined): Job {
  const { version: _, owner: __, attempts: ___, files, ...seen } = record;
  const links = { self: pathOf(record.id), events: `${pathOf(record.id)}/events` };
  return {
    ...seen,
    ...(progress && record.state === 'running' && { progress }),
    ...(files && {
      files: files.map((file) => ({ ...file, type: typeOf(file.name), href: hrefOf(record.id, file.name) })),
    }),
    links,
  };
}

/** The summary of a registration with addresses of its files. */
export function resultOf(id: string, summary: Readonly<Record<string, unknown>>): JobResult {
  const { files, ...figures } = resultSchema.parse(summary);
  const hrefs = Object.entries(files).map(([name, path]) => [name, hrefOf(id, path.slice(path.lastIndexOf('/') + 1))]);
  return { ...figures, files: Object.fromEntries(hrefs) };
}

const TEXT = 'text/plain; charset=utf-8';
const TYPES: Readonly<Record<string, string>> = {
  ...{ tif: 'image/tiff; application=geotiff', json: 'application/json', geojson: 'application/geo+json' },
  ...{ gpkg: 'application/geopackage+sqlite3', csv: 'text/csv; charset=utf-8', vrt: 'application/xml' },
  ...{ html: 'text/html; charset=utf-8', sh: TEXT, points: TEXT, pts: TEXT },
};

/** Media type of an output by the end of its name. */
export const typeOf = (name: string): string =>
  TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
