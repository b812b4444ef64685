/** The OpenAPI document: what each path takes and answers. The handlers are in `app.ts`, at the same paths. */

import { VERSION } from '@doppel/core';
import { UNITS } from '@doppel/core/raster';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { jsonRequestSchema } from '../body/json_pairs.ts';
import { failedMatchSchema, matchSchema, modelSchema, problemSchema, stateSchema } from './responses.ts';

type Registry = OpenAPIHono['openAPIRegistry'];

const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const problem = (description: string, schema: object = problemSchema) => ({
  description,
  content: { 'application/problem+json': { schema } },
});

const file = { type: 'string', contentMediaType: 'application/octet-stream' } as const;
const fileOrFiles = { anyOf: [file, { type: 'array', items: file }] };

const multipartSchema = {
  type: 'object',
  properties: {
    sar: { ...fileOrFiles, description: 'GeoTIFF, PNG or JPEG; repeated for many pairs' },
    optical: { ...fileOrFiles, description: 'As many as in `sar`, in the same order' },
    id: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }], description: 'One a pair' },
    sarUnit: { type: 'string', enum: UNITS, description: 'Of all SAR images, where the files do not say it' },
  },
  patternProperties: {
    '^(sar|optical)\\[[0-9]+\\]$': { ...file, description: 'Instead of repeated fields: paired by number' },
    '^id\\[[0-9]+\\]$': { type: 'string' },
  },
  additionalProperties: false,
};

const SCORE_ANSWERS = {
  200: { description: 'Scores; a pair that has none has its error in its place', ...json(matchSchema) },
  400: problem('The request, or its only pair, cannot be understood', failedMatchSchema),
  408: problem('The request took too long to arrive'),
  413: problem('Too many bytes, pairs or pixels', failedMatchSchema),
  415: problem('Neither JSON nor multipart'),
  422: problem('No pair could be scored; `results` holds the error of each', failedMatchSchema),
  500: problem('The scoring broke down'),
  503: problem('Not ready, or too much to do: see Retry-After'),
  504: problem('Scoring took too long'),
};

/** @param hasMetrics whether there is `/metrics`. */
export function describePaths(registry: Registry, hasMetrics: boolean): void {
  const register = (path: object) => registry.registerPath(path as Parameters<Registry['registerPath']>[0]);
  register({
    ...{
      method: 'post',
      path: '/v1/match',
      operationId: 'match',
      summary: 'Score pairs of a SAR and an optical patch',
    },
    request: {
      body: {
        required: true,
        content: {
          'application/json': { schema: jsonRequestSchema },
          'multipart/form-data': { schema: multipartSchema },
        },
      },
    },
    responses: SCORE_ANSWERS,
  });
  register({
    ...{ method: 'get', path: '/v1/model', operationId: 'model', summary: 'The model, its backend and the limits' },
    responses: { 200: { description: 'The model', ...json(modelSchema) }, 503: problem('It is still loading') },
  });
  register({
    ...{ method: 'get', path: '/healthz', operationId: 'healthz', summary: 'Whether the process answers' },
    responses: { 200: { description: 'It does', ...json(stateSchema) } },
  });
  register({
    ...{ method: 'get', path: '/readyz', operationId: 'readyz', summary: 'Whether pairs can be scored now' },
    responses: { 200: { description: 'They can', ...json(stateSchema) }, 503: problem('Not yet, or not any more') },
  });
  if (!hasMetrics) return;
  register({
    ...{ method: 'get', path: '/metrics', operationId: 'metrics', summary: 'Metrics for Prometheus' },
    responses: { 200: { description: 'Text', content: { 'text/plain': { schema: { type: 'string' } } } } },
  });
}

export const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'doppel',
    version: VERSION,
    description: 'Whether a SAR patch and an optical patch show the same place.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
} as const;
