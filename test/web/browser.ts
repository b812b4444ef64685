/** Chromium for the tests of the page: Debian's, or the one that CHROMIUM names. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Reason why there is no browser; undefined if there is one. */
export const noBrowser = existsSync(CHROMIUM)
  ? undefined
  : `there is no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM`;

/** Without a sandbox, which needs rights that root in a container has not. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
