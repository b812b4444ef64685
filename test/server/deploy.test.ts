/** docs/deploy.md: nginx runs with its configuration before a real server, and the manifest names flags and paths that exist. */
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KeyGuard } from '../../packages/server/src/access/key_guard.ts';
import { newKey } from '../../packages/server/src/access/keys.ts';
import { KeysFile, writeKeys } from '../../packages/server/src/access/keys_file.ts';
import { createApp } from '../../packages/server/src/app.ts';
import { type FlagName, settingsFrom } from '../../packages/server/src/runtime/flags.ts';
import { listenNode } from '../../packages/server/src/runtime/listen_node.ts';
import type { Listening } from '../../packages/server/src/runtime/listening.ts';
import { fakeScorer, soleModel } from './fake_scorer.ts';
import { DO, type FakeJobs, openJobs } from './jobs/fake_jobs.ts';

const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
const block = (language: string) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(page)![1]!;

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });

const found = ['nginx', 'openssl'].map(
  (program) => spawnSync(program, program === 'nginx' ? ['-v'] : ['version']).status,
);
const hasNginx = found.every((status) => status === 0);

describe.skipIf(!hasNginx)(
  `nginx${hasNginx ? '' : ' (skipped: nginx and openssl of Debian are not installed)'}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'doppel-nginx-'));
    const { text: key, key: stored } = newKey({ name: 'harbour', scopes: ['match', 'register', 'admin'] });
    let server: Listening;
    let jobs: FakeJobs;
    let nginx: ReturnType<typeof spawn>;
    let port: number;

    beforeAll(async () => {
      await writeKeys(join(folder, 'keys.json'), [stored]);
      const guard = new KeyGuard(await KeysFile.open(join(folder, 'keys.json'), () => {}));
      jobs = await openJobs({ limits: { maxUploadBytes: 2 ** 28, maxDataBytes: 2 ** 30 } });
      const app = createApp({ models: soleModel(fakeScorer()), guard, registrations: jobs.jobs });
      server = await listenNode({
        fetch: (request) => app.fetch(request),
        port: 0,
        host: '127.0.0.1',
        timeoutMs: 5000,
      });
      port = await freePort();
      const [certificate, certificateKey] = [join(folder, 'a.pem'), join(folder, 'a.key')];
      const subject = ['-subj', '/CN=doppel.example.org', '-days', '1', '-keyout', certificateKey, '-out', certificate];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], { stdio: 'ignore' });
      const site = block('nginx')
        .replace('127.0.0.1:8080', new URL(server.url).host)
        .replace('listen 443', `listen 127.0.0.1:${port}`)
        .replace('/etc/ssl/doppel.pem', certificate)
        .replace('/etc/ssl/doppel.key', certificateKey);
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${folder}/${name};`,
      );
      const head = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors; events {}`;
      writeFileSync(join(folder, 'nginx.conf'), `${head} http { access_log off; ${temporary.join(' ')}\n${site}}`);
      nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
      await vi.waitFor(async () => expect((await ask('/healthz')).status).toBe(200), {
        timeout: 10_000,
        interval: 100,
      });
    });
    afterAll(async () => {
      nginx.kill();
      await server.close(0);
      await jobs.remove();
      rmSync(folder, { recursive: true });
    });

    /** Asks by curl, which takes the certificate without its authority. */
    async function ask(path: string, ...more: string[]) {
      const url = `https://127.0.0.1:${port}${path}`;
      const { stdout } = await promisify(execFile)('curl', ['-sk', '-D', '-', '-w', '\n%{http_code}', ...more, url]);
      const lines = stdout.split('\n');
      return { status: Number(lines.at(-1)), text: stdout };
    }

    const bearer = ['-H', `authorization: Bearer ${key}`];
    const file = (name: string, size: number) => {
      writeFileSync(join(folder, name), Buffer.alloc(size, 1));
      return ['-F', `${name}=@${join(folder, name)}`];
    };

    it('passes keys, bodies and ids of requests on', async () => {
      expect((await ask('/v1/model')).status).toBe(401);
      expect((await ask('/v1/model', ...bearer)).status).toBe(200);
      const scored = await ask('/v1/match', ...bearer, ...file('sar', 2 ** 20), ...file('optical', 3));
      expect(scored.status).toBe(200);
      expect(scored.text).toMatch(/"results"/);
      expect(scored.text).toMatch(/^x-request-id: [0-9a-f]{32}/im); // that of nginx
      const answer = await ask(
        '/v2/models/pair/infer',
        ...bearer,
        '-H',
        'Inference-Header-Content-Length: 2',
        '-d',
        '{}',
      );
      expect(answer.status).toBe(400); // and not 411: the header arrived
    });

    it('passes scenes beyond the size of other bodies, and events as they come', async () => {
      const scenes = [...file('sar', 34 * 2 ** 20), ...file('optical', 3)];
      expect((await ask('/v1/match', ...bearer, ...scenes)).status).toBe(413);
      const hanging = ['-F', `settings={"seed": ${DO.hang}}`];
      const taken = await ask('/v1/registrations', ...bearer, ...scenes, ...hanging);
      expect(taken.status).toBe(202);
      const [, location] = /^location: (\S+)/im.exec(taken.text)!;
      const url = `https://127.0.0.1:${port}${location}/events`;
      const events = spawn('curl', ['-skN', ...bearer, url]);
      let heard = '';
      events.stdout.on('data', (data) => {
        heard += data;
      });
      await vi.waitFor(() => expect(heard).toContain('"progress"'), { timeout: 10_000, interval: 50 });
      expect((await ask(location!, ...bearer, '-X', 'DELETE')).status).toBe(204);
      await vi.waitFor(() => expect(heard).toContain('"cancelled"'), { timeout: 10_000, interval: 50 });
    });

    it('keeps metrics to itself', async () => expect((await ask('/metrics', ...bearer)).status).toBe(403));
  },
);

describe('the manifest', () => {
  const [deployment, service] = parseAllDocuments(block('yaml')).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
  const { spec, metadata } = deployment.spec.template;
  const [container] = spec.containers;

  it('starts the server by flags that it knows, with keys', () => {
    const [command, ...args] = container.args as string[];
    expect(command).toBe('serve');
    const flags: { [name in FlagName]?: string } = {};
    for (let i = 0; i < args.length; i += 2) flags[args[i]!.slice(2) as FlagName] = args[i + 1]!;
    const settings = settingsFrom(flags, {});
    expect(settings).toMatchObject({ host: '0.0.0.0', port: container.ports[0].containerPort });
    const [mount] = container.volumeMounts;
    expect(settings.keys!.startsWith(`${mount.mountPath}/`)).toBe(true);
    expect(spec.volumes.map(({ name }: { name: string }) => name)).toContain(mount.name);
    expect(settings.drainMs / 1000 + 5).toBeLessThan(spec.terminationGracePeriodSeconds);
  });

  it('probes paths that need no key, and selects its own pods', async () => {
    const app = createApp({
      models: soleModel(fakeScorer()),
      guard: { admit: () => expect.fail('asks for a key'), spend: async () => {} },
    });
    for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
      expect((await app.request(probe.httpGet.path)).status).toBe(200);
      expect(probe.httpGet.port).toBe(container.ports[0].name);
    }
    expect(deployment.spec.selector.matchLabels).toEqual(metadata.labels);
    expect(service.spec.selector).toEqual(metadata.labels);
    expect(service.spec.ports[0].targetPort).toBe(container.ports[0].name);
  });
});
