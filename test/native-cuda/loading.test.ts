/** An addon that is missing, garbage, or built for another Node-API is a reason to report, and the next backend serves. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '@doppel/native-cuda';
import { afterAll, describe, expect, it } from 'vitest';
import { examineBackends } from '../../packages/core/src/backends/select_backend.ts';
import { addonFile } from './addon.ts';

const folder = mkdtempSync(join(tmpdir(), 'doppel-addon-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function reasonFor(...files: string[]): string {
  const result = loadAddon(files);
  if (result.available) throw new Error('it loaded');
  return result.reason;
}

describe('loading the addon', () => {
  it('names a missing file and how to build it', () => {
    const reason = reasonFor(join(folder, 'absent.node'));
    expect(reason).toContain('absent.node is missing');
    expect(reason).toMatch(/Build it with `node .*scripts\/build\.mjs`/);
  });

  it('names a file that is garbage', () => {
    expect(reasonFor(write('garbage.node', 'not a library'))).toMatch(/garbage\.node does not load: .+/);
  });

  it('names an addon for another Node-API', () => {
    const reason = reasonFor(write('newer.node', 'ELF doppel-native-addon napi=9999; and so on'));
    expect(reason).toMatch(/newer\.node does not load: it is built for Node-API 9999, this runtime has \d+/);
  });

  it('names a library that is some other addon', () => {
    expect(reasonFor(write('other.node', 'ELF'))).toContain('it is not the addon of doppel');
  });

  it.skipIf(!addonFile)('names an addon that is cut short', () => {
    const whole = readFileSync(addonFile!);
    const file = join(folder, 'short.node');
    writeFileSync(file, whole.subarray(0, whole.indexOf('doppel-native-addon') + 4096));
    expect(reasonFor(file)).toMatch(/short\.node does not load: it is cut short/);
  });

  it('lists every reason', () => {
    const reason = reasonFor(join(folder, 'absent.node'), write('garbage2.node', 'x'));
    expect(reason).toContain('absent.node is missing');
    expect(reason).toContain('garbage2.node does not load');
  });

  it('the next backend serves', async () => {
    const fail = async () => {
      throw new Error(reasonFor(join(folder, 'absent.node')));
    };
    const { name, report } = await examineBackends([{ name: 'native', load: fail }]);
    expect(name).toBe('wasm');
    expect(report.native.available).toBe(false);
    expect(report.native.reason).toContain('absent.node is missing');
  });
});
