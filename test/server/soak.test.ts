/** Memory under load: what thousands of requests leave behind. `node bench/serve.mjs --soak 3600` runs an hour. */
import { Agent, request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { settingsFrom } from '../../packages/server/src/runtime/flags.ts';
import { startServer } from '../../packages/server/src/runtime/start_server.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

async function heldBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it('holds no more after 4,000 requests than after 1,000, within a tenth', async () => {
  const main = new URL('./scoring/fake_worker.mjs', import.meta.url);
  const settings = settingsFrom({ port: 0, model: 'x=fake' }, {});
  const server = await startServer({ settings, read: async () => new Uint8Array(4), log: () => {}, main });
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const samples = { data: Array.from({ length: 1024 }, (_, i) => i + 2), shape: [32, 32] };
  const pairs = JSON.stringify({ sar: samples, optical: samples });
  const tensor = (name: string) => ({ name, datatype: 'UINT8', shape: [1, 1, 1, 1], data: [7] });
  const tensors = JSON.stringify({ inputs: [tensor('sar'), tensor('optical')] });
  const forms = [
    ['/v1/match', pairs, 200],
    ['/v1/match', '{"sar": 1', 400],
    ['/v2/models/pair/infer', tensors, 200],
    ['/nowhere', '', 404],
  ] as const;
  const ask = ([path, body, status]: (typeof forms)[number]) =>
    new Promise<void>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(server.url + path, { method: 'POST', agent, headers }, (response) => {
        expect(response.statusCode).toBe(status);
        response.resume().on('end', resolve);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const load = async (count: number) => {
    let next = 0;
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (next < count) await ask(forms[next++ % forms.length]!);
      }),
    );
  };
  await load(1000);
  const before = await heldBytes();
  await load(3000);
  const after = await heldBytes();
  agent.destroy();
  await server.close();
  expect(after / before).toBeLessThan(1.1);
}, 120_000);
