/** The server by itself on Deno, straight from TypeScript: see docs/server.md for its command line and permissions. */
import { main } from './entry.ts';
import { listenDeno } from './listen_deno.ts';

await main(listenDeno, 'deno run … packages/server/src/runtime/deno.ts');
