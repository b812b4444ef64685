/** `doppel serve`: match scores over HTTP, by @doppel/server. */
import type { FlagName } from '@doppel/server/runtime/flags';
import { FLAGS, type Flag, settingsFrom } from '@doppel/server/runtime/flags';
import type { Listen } from '@doppel/server/runtime/listening';
import { startServer, startupJson, startupLine } from '@doppel/server/runtime/start_server';
import type { z } from 'zod';
import { command, type Outcome } from '../command.ts';
import { text } from '../flags.ts';

/** The server's own flags, with its defaults in the descriptions: a default must not go before a variable. */
const flags = Object.fromEntries(
  Object.entries(FLAGS).map(([name, { hint, description, variable, default: fallback }]: [string, Flag]) => {
    const notes = `${fallback === undefined ? '' : `default ${fallback}; `}${variable}`;
    return [name, text(hint, `${description} (${notes})`).optional()];
  }),
) as { [name in FlagName]: z.ZodOptional<z.ZodString> };

export default command({
  name: 'doppel serve',
  description: 'Serve match scores over HTTP',
  flags,
  examples: [
    'doppel serve --model best.safetensors',
    'doppel serve --model best.safetensors --host 0.0.0.0 --port 9000 --workers 2',
    'doppel serve --model best.safetensors --port 0 --json',
  ],
  async run({ args: given, context }): Promise<Outcome> {
    const settings = settingsFrom(given, process.env);
    const model = await context.store.read(settings.model);
    const server = await startServer({ settings, model, listen: await loadListen(), log: context.log });
    const ready = given.json ? JSON.stringify(startupJson(server)) : startupLine(server, settings);
    process.stdout.write(`${ready}\n`);
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await server.close();
    return { json: {}, text: '', streamed: true, exitCode: 0 }; // being told to stop is how a server ends
  },
});

/** Each runtime has an HTTP server of its own. */
async function loadListen(): Promise<Listen> {
  if ('Deno' in globalThis) return (await import('@doppel/server/runtime/listen_deno')).listenDeno;
  return (await import('@doppel/server/runtime/listen_node')).listenNode;
}
