/** A port that answers requests: implemented for Node in `listen_node.ts`, for Deno in `listen_deno.ts`. */
import { ServerError } from '../errors.ts';

export interface Listening {
  /** Address, with the port that is really used. */
  readonly url: string;
  /** Refuses new requests and waits for those in progress, at most `drainMs`. */
  close(drainMs: number): Promise<void>;
}

export interface ListenOptions {
  fetch(request: Request): Response | Promise<Response>;
  /** Port; 0 for any that is free. */
  port: number;
  host: string;
  /** Milliseconds in which the headers of a request must arrive. */
  timeoutMs: number;
  /** Milliseconds in which a whole request must arrive, if no route has cut it off before. Default: twice as many. */
  bodyMs?: number;
}

export function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

export function cannotListen({ host, port }: ListenOptions, cause: unknown): ServerError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isTaken = code === 'EADDRINUSE';
  return new ServerError({
    action: `listen on ${host}, port ${port}`,
    found: isTaken ? 'another program on it' : message,
    remedy: isTaken ? 'Choose another port; 0 takes any that is free.' : 'Choose another host or port.',
    cause,
  });
}
