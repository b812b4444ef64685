/** The CWL package in deploy/: valid, and run by cwltool to every item once. */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BROKEN, ITEMS, linesOf, MAIN, makePairs, reasonToSkip, runProgram } from './engines.ts';

const PACKAGE = new URL('../../deploy/doppel-batch.cwl', import.meta.url).pathname;
const reason = reasonToSkip('cwltool');

let folder: string | undefined;
afterAll(() => folder && rmSync(folder, { recursive: true, force: true }));

describe('the application package', () => {
  it('runs a plan of 40 items in 4 shards by cwltool', { timeout: 300_000 }, async ({ skip }) => {
    if (reason) skip(reason);
    folder = await makePairs();
    const at = (...names: string[]) => join(folder!, ...names);
    mkdirSync(at('bin'));
    writeFileSync(at('bin', 'doppel'), `#!/bin/sh\nDOPPEL_BACKEND=wasm exec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(at('bin', 'doppel'), 0o755);
    const job = {
      data: { class: 'Directory', path: at('pairs') },
      model: { class: 'File', path: at('model.safetensors') },
      ...{ manifest: 'pairs.jsonl', options: ['--chunk', '1'] },
    };
    writeFileSync(at('job.json'), JSON.stringify(job));
    const words = ['--no-container', '--disable-color', '--outdir', at('out'), `${PACKAGE}#batch`, at('job.json')];
    const env = { PATH: `${at('bin')}:${process.env.PATH}` };
    const { code, stdout, stderr } = await runProgram('cwltool', words, env);
    expect([code, stderr.slice(-2000)]).toEqual([0, expect.stringContaining('Final process status is success')]);
    const { result, parts } = JSON.parse(stdout);
    expect(parts).toHaveLength(4);
    const read = (name: string) => readFileSync(join(result.path, name), 'utf8');
    const rows = linesOf(read('scores.jsonl'));
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: ITEMS }, (_, i) => `pair-${i}`));
    expect(rows.flatMap(({ error }, i) => (error ? [i] : []))).toEqual([BROKEN]);
    expect(rows[BROKEN]!.error).toContain('missing.png: found nothing there');
    const item = JSON.parse(read('item.json'));
    expect(JSON.parse(read('catalog.json')).links).toContainEqual(expect.objectContaining({ rel: 'item' }));
    expect(item.assets['scores.jsonl'].href).toBe('./scores.jsonl');
    expect(item.properties['doppel:items']).toBe(ITEMS);
  });
});
