/** `doppel serve`: serves match scores over HTTP with @doppel/server. */
import { readModel } from '@doppel/core';
import {
  FLAGS,
  type FlagName,
  flagInfo,
  reloadOnHangup,
  settingsFrom,
  startServer,
  startupJson,
  startupLine,
} from '@doppel/server/node';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';

/** Flags of the server. Defaults are in the descriptions only: an environment variable takes precedence over them. */
const flags = Object.fromEntries(
  (Object.keys(FLAGS) as FlagName[]).map((name) => {
    const { hint, description, variable, default: fallback } = flagInfo(name);
    const schema: z.ZodType = FLAGS[name];
    const bare = schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema;
    const notes = `${fallback === undefined ? '' : `default ${fallback}; `}${variable}`;
    const isRepeated = Array.isArray(fallback);
    return [name, bare.optional().meta({ hint, isRepeated, description: `${description} (${notes})` })];
  }),
) as unknown as { [name in FlagName]: z.ZodOptional<(typeof FLAGS)[name]> };

export default command({
  name: 'doppel serve run',
  flags,
  examples: [
    'doppel serve',
    'doppel serve --model best.safetensors --host 0.0.0.0 --port 9000 --keys keys.json',
    'doppel serve --model best.safetensors --port 0 --json',
  ],
  stopping: 'answering the requests in progress',
  async run({ args: given, context }): Promise<Outcome> {
    const settings = settingsFrom(given, process.env);
    const read = (file: string) => readModel(context.store, file);
    const server = await startServer({ settings, read, log: context.log });
    const ready = given.json ? JSON.stringify(startupJson(server)) : startupLine(server, settings);
    process.stdout.write(`${ready}\n`);
    reloadOnHangup(server, context.log);
    await new Promise<void>((resolve) => {
      if (context.signal.aborted) resolve();
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await server.close();
    return { json: {}, text: '', streamed: true, exitCode: 0 }; // Ctrl-C is the regular end of a server
  },
});
