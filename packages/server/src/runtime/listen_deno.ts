/** Listening on Deno's own HTTP server. */
import { cannotListen, type Listening, type ListenOptions, urlOf } from './listening.ts';

/** What is used of Deno's namespace. */
interface DenoHttpServer {
  readonly addr: { port: number };
  /** Takes no new requests, and resolves when those at work are answered. */
  shutdown(): Promise<void>;
}

interface DenoServe {
  serve(
    options: { hostname: string; port: number; onListen(): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): DenoHttpServer;
}

/** @throws as `Listen`. */
export async function listenDeno(options: ListenOptions): Promise<Listening> {
  const { fetch, host, port } = options;
  const { Deno } = globalThis as unknown as { Deno: DenoServe };
  try {
    const settings = { hostname: host, port, onListen: () => {} };
    const server = Deno.serve(settings, (request) => fetch(request));
    return { url: urlOf(host, server.addr.port), close: (drainMs) => close(server, drainMs) };
  } catch (cause) {
    throw cannotListen(options, cause);
  }
}

/** What is still at work after the drain ends with the process: Deno cannot cut off a server that is shutting down. */
async function close(server: DenoHttpServer, drainMs: number): Promise<void> {
  const drained = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, drainMs);
    void server.shutdown().then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
  await drained;
}
