#!/usr/bin/env node
/** Stand-alone server on Node and on Deno: flags, signals and exit codes. See docs/server.md. */
import { parseArgs } from 'node:util';
import { readModel } from '@doppel/core';
import { isDoppelError, reasonOf, UsageError } from '@doppel/core/errors';
import { FileStore } from '@doppel/core/node';
import { FLAGS, type FlagName, type FlagValues, flagInfo, kebab, settingsFrom, signatureOf } from './flags.ts';
import { reloadOnHangup } from './reload_on_hangup.ts';
import { startServer, startupJson, startupLine } from './start_server.ts';

const log = (line: string) => void process.stderr.write(`${line}\n`);

/**
 * Serves until SIGINT or SIGTERM, then answers the requests in progress. Exit codes: 0, 2 for usage, 1 for other
 * failures.
 */
async function main(): Promise<void> {
  try {
    const { help, json, debug: _, ...flags } = readFlags(process.argv.slice(2));
    if (help) return void process.stdout.write(usage());
    const settings = settingsFrom(flags, process.env);
    const store = new FileStore();
    const server = await startServer({ settings, read: (file) => readModel(store, file), log });
    process.stdout.write(`${json ? JSON.stringify(startupJson(server)) : startupLine(server, settings)}\n`);
    reloadOnHangup(server, log);
    const signal = await anyOf('SIGINT', 'SIGTERM');
    log(`${signal}: answering the requests in progress`);
    await server.close();
    process.exit(0);
  } catch (error) {
    const isDebug = process.argv.includes('--debug') || !isDoppelError(error);
    log(isDebug && error instanceof Error ? String(error.stack) : `error: ${reasonOf(error)}`);
    process.exit(error instanceof UsageError ? 2 : 1);
  }
}

type Given = FlagValues & { help?: boolean; json?: boolean; debug?: boolean };

function readFlags(args: string[]): Given {
  const texts = (Object.keys(FLAGS) as FlagName[]).map((name) => {
    const { default: fallback } = flagInfo(name);
    const type = typeof fallback === 'boolean' ? 'boolean' : 'string';
    return [kebab(name), { type, multiple: Array.isArray(fallback) }] as const;
  });
  const switches = ['help', 'json', 'debug'].map((name) => [name, { type: 'boolean' }] as const);
  try {
    const { values } = parseArgs({ args, options: Object.fromEntries([...texts, ...switches]), strict: true });
    const camel = (name: string) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [camel(name), value])) as Given;
  } catch (cause) {
    throw new UsageError({ action: 'read the flags', found: reasonOf(cause), remedy: 'See --help.', cause });
  }
}

function usage(): string {
  const lines = (Object.keys(FLAGS) as FlagName[]).map((name) => {
    const { description, variable, default: fallback } = flagInfo(name);
    const head = `  ${signatureOf(name)}`.padEnd(28);
    return `${head}${description}${fallback === undefined ? '' : ` (default ${fallback})`} [${variable}]`;
  });
  const rest = ['  --json'.padEnd(28).concat('Print {url, backend, model, models} as one line of JSON when ready')];
  return `Usage: doppel-server [--model MODEL] [flags]\n\n${[...lines, ...rest].join('\n')}\n`;
}

function anyOf(...signals: NodeJS.Signals[]): Promise<string> {
  return new Promise((resolve) => {
    let isFirst = true;
    for (const signal of signals) {
      process.on(signal, () => {
        if (!isFirst) process.exit(130);
        isFirst = false;
        resolve(signal);
      });
    }
  });
}

await main();
