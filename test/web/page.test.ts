/** The page in a real browser: every flow by clicking, on a server and without one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { selectBackend } from '../../packages/core/src/backends/select_backend.ts';
import { buildGallery as build } from '../../packages/core/src/gallery/build_gallery.ts';
import { openNamedModel } from '../../packages/core/src/model.ts';
import { DEFAULT_MODEL } from '../../packages/core/src/named_models.ts';
import { FileStore } from '../../packages/core/src/node.ts';
import { newKey } from '../../packages/server/src/access/keys.ts';
import { writeKeys } from '../../packages/server/src/access/keys_file.ts';
import { noBrowser, startBrowser } from './browser.ts';
import { demoPatch, demoScene } from './demo_patches.ts';
import { type Served, serveByDoppel, serveStatically } from './serve_page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Largest difference of scores in the browser and on the server. */
const TOLERANCE = 1e-3;
/** Milliseconds for a registration: some seconds of work, beside whatever else runs. */
const REGISTRATION_MS = 240_000;

let browser: Browser;
let server: Served;
let space: Served;
/** Page of the server, with a key, on which one flow follows the other. */
let desk: Page;
let phone: Page;
const folder = mkdtempSync(join(tmpdir(), 'doppel-page-'));
const KEY = newKey({ name: 'reader', scopes: ['match', 'search', 'register'] });
let complaints: string[] = [];

interface OpenOptions {
  key?: string;
  browser?: Parameters<Browser['newContext']>[0];
}

async function open(url: string, { key, browser: more = {} }: OpenOptions = {}): Promise<Page> {
  // Without transitions: contrast is measured of settled colours.
  const usual = { viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' } as const;
  const context = await browser.newContext({ ...usual, ...more });
  if (key) await context.addInitScript(`sessionStorage.setItem('doppel-key', '${key}')`);
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return page;
}

/** Shows a view of a page that is open. */
const turnTo = (page: Page, view: string) => page.evaluate(`location.hash = '${view}'`);

/** Findings of axe-core that are serious or worse. */
async function seriousFindings(page: Page): Promise<string[]> {
  if (await page.evaluate('typeof axe === "undefined"')) await page.evaluate(AXE);
  const { violations } = await page.evaluate<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  }>("axe.run({ resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const factOf = async (page: Page, name: string) => page.locator(`[data-fact="${name}"]`).textContent();

/** Drops a small scene of each sensor on the shown view. */
async function dropScenes(page: Page, ...sensors: ('sar' | 'optical')[]): Promise<void> {
  for (const sensor of sensors) {
    const name = `${sensor === 'sar' ? 'SAR' : 'Optical'} scene: choose a file`;
    await shown(page)
      .getByLabel(name)
      .setInputFiles(await demoScene(sensor));
  }
}

/** The view that is not hidden. */
const shown = (page: Page) => page.locator('main > div:not([hidden])');

async function dropPair(page: Page): Promise<void> {
  await page.getByLabel('SAR patch: choose a file').setInputFiles(await demoPatch('sar'));
  await page.getByLabel('Optical patch: choose a file').setInputFiles(await demoPatch('optical'));
}

/** A gallery of one small scene, in the middle of what is searched. */
async function buildGallery(out: string): Promise<void> {
  const scene = join(folder, 'optical.tif');
  writeFileSync(scene, (await demoScene('optical', '201', 332, 128)).buffer);
  await selectBackend({ requested: 'wasm' });
  const model = await openNamedModel();
  await build(new FileStore(), { scenes: [scene], out, model, modelName: DEFAULT_MODEL, sensor: 'optical' });
  model.dispose();
}

describe.skipIf(noBrowser)(`the page${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    const [gallery, keys] = [join(folder, 'gallery'), join(folder, 'keys.json')];
    await Promise.all([buildGallery(gallery), writeKeys(keys, [KEY.key])]);
    const flags = ['--data', join(folder, 'data'), '--gallery', `harbours=${gallery}`, '--keys', keys];
    [browser, server, space] = await Promise.all([startBrowser(), serveByDoppel(...flags), serveStatically()]);
    desk = await open(`${server.url}/#compare`, { key: KEY.text });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), space?.close()]);
    rmSync(folder, { recursive: true });
  });
  afterEach(() => {
    const found = complaints;
    complaints = [];
    expect(found).toEqual([]);
  });

  it('compares two patches on the server, and in the browser with the same score', async () => {
    await dropPair(desk);
    await desk.getByRole('heading', { name: 'The same place', exact: true }).waitFor();
    const onServer = Number(await factOf(desk, 'score'));
    expect(await factOf(desk, 'model')).toBe('s1s2-10m');
    const map = desk.getByRole('img', { name: /^Correlation map, 5 × 5/ });
    const peak = await map.getAttribute('aria-label');
    await desk.getByRole('img', { name: 'SAR patch as the model saw it' }).waitFor();
    expect(await seriousFindings(desk)).toEqual([]);

    await desk.getByLabel('in this browser').check();
    await map.waitFor({ state: 'detached' });
    expect(await map.getAttribute('aria-label')).toBe(peak); // the map of the server's model is that of the box
    expect(Math.abs(Number(await factOf(desk, 'score')) - onServer)).toBeLessThan(TOLERANCE);
    await desk.getByLabel('on the server').check();
  });

  it('compares where there is no server, with its score', async () => {
    const page = await open(space.url);
    await page.getByText('Without a server').waitFor();
    complaints = complaints.filter((text) => !text.includes('404')); // the question for a server
    await dropPair(page);
    await page.getByRole('heading', { name: 'The same place', exact: true }).waitFor();
    const body = new FormData();
    for (const sensor of ['sar', 'optical'] as const) {
      const { buffer, name } = await demoPatch(sensor);
      body.set(sensor, new Blob([new Uint8Array(buffer)]), name);
    }
    const headers = { authorization: `Bearer ${KEY.text}` };
    const { score } = await (await fetch(`${server.url}/v1/match`, { method: 'POST', body, headers })).json();
    expect(Math.abs(Number(await factOf(page, 'score')) - score)).toBeLessThan(TOLERANCE);
    await page.context().close();
  });

  it('shows the message of a bad file beside that file', async () => {
    const optical = desk.getByLabel('Optical patch: choose a file');
    const alert = shown(desk).locator('.inputs > div').nth(1).getByRole('alert');
    await optical.setInputFiles({ name: 'bad.png', mimeType: 'image/png', buffer: Buffer.from('no image') });
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(
      /Cannot read the image bad.png[\s\S]*a GeoTIFF, PNG or JPEG[\s\S]*gdal_translate/,
    );
    await desk.getByLabel('SAR patch: choose a file').setInputFiles(await demoPatch('optical')); // three bands
    await optical.setInputFiles(await demoPatch('optical'));
    const other = shown(desk).locator('.inputs > div').first().getByRole('alert');
    await other.waitFor(); // which the server found
    complaints = complaints.filter((text) => !text.includes('422'));
    expect(await other.textContent()).toMatch(/Cannot use the patch sar.png|band/);
    expect(await alert.count()).toBe(0);
  });

  it('compares a place that is clicked in two scenes', async () => {
    await desk.getByLabel('a place in two scenes').check();
    await dropScenes(desk, 'sar', 'optical');
    await desk.getByRole('application', { name: /^SAR scene/ }).click();
    await desk.getByRole('img', { name: /^Correlation map, 17 × 17/ }).waitFor();
    const here = await factOf(desk, 'score');
    const other = desk.getByRole('application', { name: /^Optical scene/ });
    await other.click({ position: { x: 260, y: 120 } }); // moves the optical patch alone
    await expect.poll(() => factOf(desk, 'score')).not.toBe(here);
    expect(await seriousFindings(desk)).toEqual([]);
  });

  it('registers two scenes, and shows what came out', { timeout: REGISTRATION_MS + 60_000 }, async () => {
    await turnTo(desk, 'register');
    await dropScenes(desk, 'sar', 'optical');
    await desk.getByLabel('Search radius').fill('16');
    await desk.getByText('More settings').click();
    await desk.getByLabel('Compare by').selectOption('gradients');
    await desk.getByLabel('Correction').selectOption('shift');
    await desk.getByLabel('Aligned scene').selectOption('sar');
    await desk.getByLabel('Resampled by').selectOption('nearest');
    await desk.getByRole('button', { name: 'Register', exact: true }).click();
    await desk.getByRole('progressbar').waitFor();
    await desk.getByRole('heading', { name: /^(Trusted|Refused)$/ }).waitFor({ timeout: REGISTRATION_MS });
    expect(await desk.getByRole('link', { name: 'aligned_sar.tif' }).count()).toBe(1);
    const map = desk.getByRole('application', { name: 'Map of both scenes and the tie points' });
    await map.waitFor();
    const edge = desk.getByLabel('Edge between SAR and optical scene');
    await edge.press('Home');
    expect(await desk.locator('.stage').getAttribute('style')).toContain('--edge: 0%');
    await desk.getByLabel('opacity').check();
    await desk.getByLabel('Opacity of the optical scene').press('End');
    await desk.getByLabel('blink').check();
    await desk.getByRole('combobox', { name: /^Tie point/ }).selectOption({ index: 1 });
    await desk.getByText(/^Cell \d+: (used|off the model).* · offset/).waitFor();
    await desk.getByRole('checkbox', { name: /used/ }).uncheck();
    await desk.getByLabel('residual after').check();
    expect(await desk.getByRole('link', { name: 'tie_points.geojson' }).getAttribute('download')).toBe(
      'tie_points.geojson',
    );
    expect(await seriousFindings(desk)).toEqual([]);
    await desk.getByRole('button', { name: /^Forget/ }).click();
    await desk.getByText('Registrations on this server').waitFor({ state: 'detached' });
  });

  it('shows beside a scene why it cannot be registered', async () => {
    const flat = { ...(await demoPatch('sar')), name: 'flat.png' };
    await shown(desk).getByLabel('SAR scene: choose a file').setInputFiles(flat);
    const alert = shown(desk).locator('.inputs > div').first().getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/Cannot show on a map flat.png[\s\S]*no place on the ground/);
  });

  it('searches for a box that is drawn in a SAR scene', async () => {
    await turnTo(desk, 'search');
    await dropScenes(desk, 'sar');
    const map = desk.getByRole('application', { name: 'Scene in which to draw a box' });
    const { x, y, width, height } = (await map.boundingBox())!;
    await desk.mouse.move(x + width / 2 - 60, y + height / 2 - 60);
    await desk.mouse.down();
    await desk.mouse.move(x + width / 2 + 60, y + height / 2 + 60, { steps: 4 });
    await desk.mouse.up();
    await desk.getByRole('img', { name: 'Place 1 of the gallery' }).waitFor();
    await desk.getByRole('application', { name: 'Map of the places that were found' }).waitFor();
    await desk.getByRole('button', { name: /^Place 2 of the gallery/ }).click();
    expect(await seriousFindings(desk)).toEqual([]);
    await desk.getByRole('button', { name: 'Search at the middle of the map' }).press('Enter');
    await desk.getByText('Now: 64 × 64 pixels').waitFor();
    await desk.getByRole('img', { name: 'Place 1 of the gallery' }).waitFor();
  });

  it.each(['register', 'compare', 'search'])('fits a phone, light and dark: %s', async (view) => {
    const small = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;
    phone ??= await open(`${server.url}/#${view}`, { key: KEY.text, browser: small });
    await turnTo(phone, view);
    await phone.getByLabel('Appearance').selectOption('auto');
    await phone.getByText(/s1s2-10m on/).waitFor();
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await seriousFindings(phone)).toEqual([]);
    await phone.getByLabel('Appearance').selectOption('light');
    expect(await phone.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(247, 248, 249)');
    expect(await seriousFindings(phone)).toEqual([]);
  });

  it('asks for a key where the server wants one', async () => {
    const page = await open(`${server.url}/#compare`);
    await page.getByRole('heading', { name: 'This server asks for a key' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByLabel('Key', { exact: true }).fill(KEY.text);
    await page.getByRole('button', { name: 'Use this key' }).click();
    await page.getByText(/s1s2-10m on/).waitFor();
    await dropPair(page);
    await page.getByRole('heading', { name: 'The same place', exact: true }).waitFor();
    complaints = complaints.filter((text) => !/status of 401/.test(text)); // asked without
  });
});
