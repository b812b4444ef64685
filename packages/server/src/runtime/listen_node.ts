/** Listens with Node's own HTTP server. */
import type { Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { cannotListen, type Listening, type ListenOptions, urlOf } from './listening.ts';

/** Longer than the usual 60 s of proxies, so that the proxy closes an idle connection first. */
const KEEP_ALIVE_MS = 65_000;
/** Milliseconds between two searches for connections that are too slow. */
const SLOW_POLL_MS = 1000;
/** Milliseconds in which a connection may bring a last request while the server closes. */
const LAST_REQUEST_MS = 100;
/** Milliseconds between two searches for idle connections after that. */
const IDLE_POLL_MS = 20;

/** @throws ServerError if the port is taken or not allowed. */
export async function listenNode(options: ListenOptions): Promise<Listening> {
  const { fetch, host, port, timeoutMs, bodyMs = 2 * timeoutMs } = options;
  const serverOptions = {
    ...{ requestTimeout: bodyMs, headersTimeout: timeoutMs, keepAliveTimeout: KEEP_ALIVE_MS },
    connectionsCheckingInterval: Math.min(SLOW_POLL_MS, timeoutMs),
  };
  // The name stands in for the header `Host`, which HTTP/1.0 has not.
  const server = createAdaptorServer({ fetch: (request) => fetch(request), hostname: host, serverOptions }) as Server;
  const goodbye = sayGoodbye(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(options, cause)));
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: urlOf(host, taken),
    close(drainMs) {
      goodbye();
      return close(server, drainMs);
    },
  };
}

/** Function that makes every answer from now on the last of its connection, so that clients send nothing more on it. */
function sayGoodbye(server: Server): () => void {
  const open = new Set<ServerResponse>();
  let isClosing = false;
  const mark = (response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('connection', 'close');
  };
  server.prependListener('request', (_, response: ServerResponse) => {
    if (isClosing) return mark(response);
    open.add(response);
    response.once('close', () => open.delete(response));
  });
  return () => {
    isClosing = true;
    for (const response of open) mark(response);
  };
}

function close(server: Server, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    let sweep: ReturnType<typeof setInterval> | undefined;
    const wait = setTimeout(() => {
      sweep = setInterval(() => server.closeIdleConnections(), IDLE_POLL_MS);
    }, LAST_REQUEST_MS);
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    // The port alone: HTTP's `close` would cut idle connections at once, on which a request may be under way.
    NetServer.prototype.close.call(server, () => {
      clearTimeout(wait);
      clearInterval(sweep);
      clearTimeout(cut);
      server.close(); // which ends the search for slow connections
      resolve();
    });
  });
}
