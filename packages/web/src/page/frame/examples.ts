/** Scenes that the server has to try. */
import { callJson, connection, urlOf } from './server.ts';

export interface Example {
  name: string;
  title: string;
  sar: string;
  optical: string;
}

/** Examples of the server; none without one. */
export async function examplesOf(): Promise<Example[]> {
  if (connection.value.state !== 'here') return [];
  return (await callJson<{ examples: Example[] }>('/v1/examples').catch(() => ({ examples: [] }))).examples;
}

export const addressOf = (href: string): string => urlOf(href).href;
