/**
 * Pictures of the page for docs/figures, from a server that runs, with a gallery and at least one finished registration:
 *
 *     node test/web/screenshots.mjs http://127.0.0.1:8080 docs/figures
 */
import { join } from 'node:path';
import { argv } from 'node:process';
import { chromium } from 'playwright-core';

const [url, out] = argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

/** Waits until tiles have been drawn. */
const SETTLED_MS = 4000;
const PHONE = { viewport: { width: 390, height: 844 } };
const DESK = { viewport: { width: 1120, height: 1000 }, deviceScaleFactor: 0.85 };

const FLOWS = {
  async register(page) {
    await page
      .getByRole('button', { name: /^Show the registration/ })
      .first()
      .click();
    await page.getByRole('application', { name: 'Map of both scenes and the tie points' }).waitFor();
  },
  async compare(page) {
    await page.getByLabel('a place in two scenes').check();
    await page
      .locator('main > div:not([hidden])')
      .getByRole('button', { name: /^Use the example/ })
      .click();
    await page.getByRole('button', { name: 'Compare at the middle of the maps' }).click();
    await page.getByRole('img', { name: /^Correlation map/ }).waitFor();
  },
  async search(page) {
    await page
      .locator('main > div:not([hidden])')
      .getByRole('button', { name: /^Use the example/ })
      .click();
    await page.getByRole('button', { name: 'Search at the middle of the map' }).click();
    await page.getByRole('img', { name: 'Place 3 of the gallery' }).waitFor();
  },
};

async function picture(view, name, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(`${url}/#${view}`);
  await FLOWS[view](page);
  await page.waitForTimeout(SETTLED_MS);
  await page.screenshot({ path: join(out, name), fullPage: true, type: 'jpeg', quality: 40 });
  await context.close();
}

for (const view of Object.keys(FLOWS)) {
  await picture(view, `page_${view}.jpg`, { ...DESK, colorScheme: 'light' });
  await picture(view, `page_${view}_dark.jpg`, { ...DESK, colorScheme: 'dark' });
  await picture(view, `page_${view}_phone.jpg`, { ...PHONE, colorScheme: 'light' });
}
await browser.close();
