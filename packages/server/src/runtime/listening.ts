/** A port that answers, on whatever runtime: implemented for Node in `listen_node.ts`, for Deno in `listen_deno.ts`. */
import { ServerError } from '../errors.ts';

export interface Listening {
  /** With the port that was really taken. */
  readonly url: string;
  /** Takes no new requests and waits for those at work, at most so long. */
  close(drainMs: number): Promise<void>;
}

export interface ListenOptions {
  fetch(request: Request): Response | Promise<Response>;
  /** 0: any that is free. */
  port: number;
  host: string;
  /** How long a request may take to arrive. */
  timeoutMs: number;
}

/** @throws ServerError where the port is taken or not allowed. */
export type Listen = (options: ListenOptions) => Promise<Listening>;

export function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

export function cannotListen({ host, port }: ListenOptions, cause: unknown): ServerError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const isTaken = code === 'EADDRINUSE';
  return new ServerError({
    action: `listen on ${host}, port ${port}`,
    found: isTaken ? 'another program there' : message,
    remedy: isTaken ? 'Choose another port; 0 takes any that is free.' : 'Choose another host or port.',
    cause,
  });
}
