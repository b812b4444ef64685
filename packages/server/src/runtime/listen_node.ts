/** Listens with Node's own HTTP server. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { cannotListen, type Listening, type ListenOptions, urlOf } from './listening.ts';

/** Longer than the usual 60 s of proxies, so that the proxy closes an idle connection first. */
const KEEP_ALIVE_MS = 65_000;
/** Milliseconds between two searches for idle connections while the server closes. */
const IDLE_POLL_MS = 20;

/** @throws ServerError if the port is taken or not allowed. */
export async function listenNode(options: ListenOptions): Promise<Listening> {
  const { fetch, host, port, timeoutMs } = options;
  const serverOptions = { requestTimeout: 2 * timeoutMs, headersTimeout: timeoutMs, keepAliveTimeout: KEEP_ALIVE_MS };
  // The name stands in for the header `Host`, which HTTP/1.0 has not.
  const server = createAdaptorServer({ fetch: (request) => fetch(request), hostname: host, serverOptions }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(options, cause)));
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return { url: urlOf(host, taken), close: (drainMs) => close(server, drainMs) };
}

function close(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection that was busy when the server closed becomes idle later, and would keep the server open.
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_POLL_MS);
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
  });
}
