/** Listens with Deno's own HTTP server. */
import { cannotListen, type Listening, type ListenOptions, urlOf } from './listening.ts';

interface DenoHttpServer {
  readonly addr: { port: number };
  /** Refuses new requests, and resolves when those in progress are answered. */
  shutdown(): Promise<void>;
}

/** The part of Deno's namespace that is used here. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; onListen(): void },
    handler: (request: Request) => Response | Promise<Response>,
  ): DenoHttpServer;
};

/** @throws ServerError if the port is taken or not allowed. */
export async function listenDeno(options: ListenOptions): Promise<Listening> {
  const { fetch, host, port } = options;
  try {
    const settings = { hostname: host, port, onListen: () => {} };
    const server = Deno.serve(settings, (request) => fetch(request));
    return { url: urlOf(host, server.addr.port), close: (drainMs) => close(server, drainMs) };
  } catch (cause) {
    throw cannotListen(options, cause);
  }
}

/** Requests that outlast the drain end with the process: Deno cannot cut off a server that is shutting down. */
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
