/** The entries of @doppel/server: their names are pinned, and the examples in their headers run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@doppel/core/backends';
import * as server from '@doppel/server';
import * as edge from '@doppel/server/edge';
import * as node from '@doppel/server/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { examplesOf, linesOf, statedBy } from '../examples.ts';
import { readSources } from '../house/source_imports.ts';
import { tinyCheckpoint } from './tiny_model.mjs';

const PACKAGE = new URL('../../packages/server/', import.meta.url);
const { exports: entries } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'doppel-api-'));
beforeAll(async () => {
  await selectBackend({ requested: 'cpu' });
  writeFileSync(join(folder, 'best.safetensors'), tinyCheckpoint());
});
afterAll(() => rmSync(folder, { recursive: true }));

it('has these entries', () => {
  expect(Object.keys(entries)).toMatchInlineSnapshot(`
    [
      ".",
      "./node",
      "./edge",
    ]
  `);
});

it('exports these names', () => {
  expect(Object.keys(server)).toMatchInlineSnapshot(`
    [
      "createApp",
      "limitsFrom",
      "OverloadError",
      "ServerError",
      "ProblemError",
      "InlineScoring",
      "Models",
    ]
  `);
  expect(Object.keys(node)).toMatchInlineSnapshot(`
    [
      "NAME",
      "newKey",
      "readKeys",
      "writeKeys",
      "SCOPES",
      "WorkerScoring",
      "FLAGS",
      "flagInfo",
      "settingsFrom",
      "prometheusMetrics",
      "reloadOnHangup",
      "startServer",
      "startupJson",
      "startupLine",
    ]
  `);
  expect(Object.keys(edge)).toMatchInlineSnapshot(`
    [
      "createEdgeHandler",
    ]
  `);
});

it('imports downwards only', () => {
  const order = [
    'errors.ts',
    'problem.ts',
    'schema_error.ts',
    'scoring',
    'body',
    'inference',
    'access',
    'jobs',
    'gallery',
    'routes',
    'app.ts',
    'runtime',
    'index.ts',
  ];
  const levelOf = (path: string) => order.indexOf(path.split('/')[3]!);
  const files = readSources().filter((file) => file.package === 'server');
  expect(files.filter(({ path }) => levelOf(path) < 0)).toEqual([]);
  const arrows = files.flatMap(({ path, files: targets }) => targets.map((target) => [path, target] as const));
  expect(arrows.length).toBeGreaterThan(50);
  expect(arrows.filter(([path, target]) => levelOf(target) > levelOf(path))).toEqual([]);
});

it.each(Object.entries<{ source: string }>(entries))('runs the example of %s', (_, { source }) => {
  const examples = examplesOf(new URL(source, PACKAGE));
  expect(examples).toHaveLength(1);
  const stated = statedBy(examples[0]!);
  expect(stated).not.toHaveLength(0);
  expect(linesOf(examples[0]!, { 'best.safetensors': join(folder, 'best.safetensors') })).toEqual(stated);
});
