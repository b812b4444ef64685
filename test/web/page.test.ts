/** The page in a real browser: every flow by clicking, on a server and without one. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, startBrowser } from './browser.ts';
import { demoPatch } from './demo_patches.ts';
import { type Served, serveByDoppel, serveStatically } from './serve_page.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Largest difference of scores in the browser and on the server. */
const TOLERANCE = 1e-3;

let browser: Browser;
let server: Served;
let space: Served;
let context: BrowserContext;
let complaints: string[] = [];

async function open(url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
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

async function dropPair(page: Page): Promise<void> {
  await page.getByLabel('SAR patch: choose a file').setInputFiles(await demoPatch('sar'));
  await page.getByLabel('Optical patch: choose a file').setInputFiles(await demoPatch('optical'));
}

describe.skipIf(noBrowser)(`the page${noBrowser ? ` (skipped: ${noBrowser})` : ''}`, () => {
  beforeAll(async () => {
    [browser, server, space] = await Promise.all([startBrowser(), serveByDoppel(), serveStatically()]);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([server?.close(), space?.close()]);
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
    const alert = page.locator('.inputs > div').nth(1).getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(
      /Cannot read the image bad.png[\s\S]*a GeoTIFF, PNG or JPEG[\s\S]*gdal_translate/,
    );
  });
});
