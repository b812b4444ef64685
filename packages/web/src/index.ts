/**
 * The page of doppel as files that any web server can serve: `index.html`, and `assets/` with hashed names. `doppel serve`
 * serves them at `/`; on a web space without a server the page compares patches in the browser.
 *
 * @module
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { PAGE } from '@doppel/web';
 *
 * const html = await readFile(new URL('index.html', PAGE), 'utf8');
 * console.log(html.includes('<title>doppel</title>')); // true
 * ```
 */

/** Folder of the built page, with a slash at its end. */
export const PAGE = new URL('../dist/page/', import.meta.url);
