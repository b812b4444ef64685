/** The page in a real browser: every flow by clicking, on a server and without one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, startBrowser } from './browser.ts';
import { demoPatch, demoScene } from './demo_patches.ts';
import { doppel, type Served, serveByDoppel, serveStatically } from './serve_page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Largest difference of scores in the browser and on the server. */
const TOLERANCE = 1e-3;
/** Milliseconds for a registration: four seconds of work, at a low priority beside whatever else runs. */
const REGISTRATION_MS = 240_000;

let browser: Browser;
let server: Served;
let space: Served;
let context: BrowserContext;
const folder = mkdtempSync(join(tmpdir(), 'doppel-page-'));
const gallery = join(folder, 'gallery');
let complaints: string[] = [];

async function open(url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  // Without transitions: contrast is measured of settled colours.
  const usual = { viewport: { width: 1280, height: 860 }, reducedMotion: 'reduce' } as const;
  context = await browser.newContext({ ...usual, ...options });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' || /Content Security Policy/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return page;
}

/** Findings of axe-core that are serious or worse. */
async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<{
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  }>('axe.run()');
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

describe.skipIf(noBrowser)(`the page${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    writeFileSync(join(folder, 'optical.tif'), (await demoScene('optical')).buffer);
    await doppel('gallery', 'build', join(folder, 'optical.tif'), '--out', gallery);
    const flags = ['--data', join(folder, 'data'), '--gallery', `harbours=${gallery}`];
    [browser, server, space] = await Promise.all([startBrowser(), serveByDoppel(...flags), serveStatically()]);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), space?.close()]);
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    await context.close();
    const found = complaints;
    complaints = [];
    expect(found).toEqual([]);
  });

  it('compares two patches on the server, and in the browser with the same score', async () => {
    const page = await open(`${server.url}/#compare`);
    await dropPair(page);
    await page.getByRole('heading', { name: 'The same place', exact: true }).waitFor();
    const onServer = Number(await factOf(page, 'score'));
    expect(await factOf(page, 'model')).toBe('s1s2-10m');
    await page.getByRole('img', { name: /^Correlation map, 5 × 5/ }).waitFor();
    await page.getByRole('img', { name: 'SAR patch as the model saw it' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByLabel('in this browser').check();
    await page.getByRole('img', { name: /^Correlation map/ }).waitFor();
    expect(Math.abs(Number(await factOf(page, 'score')) - onServer)).toBeLessThan(TOLERANCE);
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
    const { score } = await (await fetch(`${server.url}/v1/match`, { method: 'POST', body })).json();
    expect(Math.abs(Number(await factOf(page, 'score')) - score)).toBeLessThan(TOLERANCE);
  });

  it('shows the message of a bad file beside that file', async () => {
    const page = await open(`${server.url}/#compare`);
    await page
      .getByLabel('Optical patch: choose a file')
      .setInputFiles({ name: 'bad.png', mimeType: 'image/png', buffer: Buffer.from('no image') });
    const alert = shown(page).locator('.inputs > div').nth(1).getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(
      /Cannot read the image bad.png[\s\S]*a GeoTIFF, PNG or JPEG[\s\S]*gdal_translate/,
    );
  });

  it('compares a place that is clicked in two scenes', async () => {
    const page = await open(`${server.url}/#compare`);
    await page.getByLabel('a place in two scenes').check();
    await dropScenes(page, 'sar', 'optical');
    await page.getByRole('application', { name: /^SAR scene/ }).click();
    await page.getByRole('img', { name: /^Correlation map, 17 × 17/ }).waitFor();
    const here = await factOf(page, 'score');
    const other = page.getByRole('application', { name: /^Optical scene/ });
    await other.click({ position: { x: 260, y: 120 } }); // moves the optical patch alone
    await expect.poll(() => factOf(page, 'score')).not.toBe(here);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('registers two scenes, and shows what came out', { timeout: REGISTRATION_MS + 60_000 }, async () => {
    const page = await open(`${server.url}/#register`);
    await dropScenes(page, 'sar', 'optical');
    await page.getByLabel('Search radius').fill('16');
    await page.getByText('More settings').click();
    await page.getByLabel('Compare by').selectOption('gradients');
    await page.getByRole('button', { name: 'Register', exact: true }).click();
    await page.getByRole('progressbar').waitFor();
    await page.getByRole('heading', { name: /^(Trusted|Refused)$/ }).waitFor({ timeout: REGISTRATION_MS });
    const map = page.getByRole('application', { name: 'Map of both scenes and the tie points' });
    await map.waitFor();
    const edge = page.getByLabel('Edge between SAR and optical scene');
    await edge.press('Home');
    expect(await page.locator('.stage').getAttribute('style')).toContain('--edge: 0%');
    await page.getByLabel('opacity').check();
    await page.getByLabel('Opacity of the optical scene').press('End');
    await page.getByLabel('blink').check();
    await page.getByRole('checkbox', { name: /used/ }).uncheck();
    await page.getByLabel('residual after').check();
    expect(await page.getByRole('link', { name: 'tie_points.geojson' }).getAttribute('download')).toBe(
      'tie_points.geojson',
    );
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: /^Forget/ }).click();
    await page.getByText('Registrations on this server').waitFor({ state: 'detached' });
  });

  it('shows beside a scene why it cannot be registered', async () => {
    const page = await open(`${server.url}/#register`);
    const flat = { ...(await demoPatch('sar')), name: 'flat.png' };
    await shown(page).getByLabel('SAR scene: choose a file').setInputFiles(flat);
    const alert = shown(page).locator('.inputs > div').first().getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/Cannot show on a map flat.png[\s\S]*no place on the ground/);
  });

  it('searches for a box that is drawn in a SAR scene', async () => {
    const page = await open(`${server.url}/#search`);
    await dropScenes(page, 'sar');
    const map = page.getByRole('application', { name: 'Scene in which to draw a box' });
    const { x, y, width, height } = (await map.boundingBox())!;
    await page.mouse.move(x + width / 2 - 60, y + height / 2 - 60);
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 60, y + height / 2 + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('img', { name: 'Place 1 of the gallery' }).waitFor();
    await page.getByRole('application', { name: 'Map of the places that were found' }).waitFor();
    await page.getByRole('button', { name: /^Place 2 of the gallery/ }).click();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Search at the middle of the map' }).press('Enter');
    await page.getByText('Now: 64 × 64 pixels').waitFor();
    await page.getByRole('img', { name: 'Place 1 of the gallery' }).waitFor();
  });

  it.each(['register', 'compare', 'search'])('fits a phone, light and dark: %s', async (view) => {
    const page = await open(`${server.url}/#${view}`, { viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await page.getByText(/s1s2-10m on/).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByLabel('Appearance').selectOption('light');
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(247, 248, 249)');
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('asks for a key where the server wants one', async () => {
    const keys = join(folder, 'keys.json');
    const [key] = /[\w-]{30,}/.exec(
      await doppel('serve', 'keys', 'add', 'reader', '--scope', 'match', '--keys', keys),
    )!;
    const guarded = await serveByDoppel('--keys', keys);
    try {
      const page = await open(`${guarded.url}/#compare`);
      await page.getByRole('heading', { name: 'This server asks for a key' }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await page.getByLabel('Key', { exact: true }).fill(key);
      await page.getByRole('button', { name: 'Use this key' }).click();
      await page.getByText(/s1s2-10m on/).waitFor();
      await dropPair(page);
      await page.getByRole('heading', { name: 'The same place', exact: true }).waitFor();
      complaints = complaints.filter((text) => !/status of 40[13]/.test(text)); // asked without, and beyond its scope
    } finally {
      await guarded.close();
    }
  });
});
