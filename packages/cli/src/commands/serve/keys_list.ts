/** `doppel serve keys list`: names, scopes and limits of the keys; the keys themselves are not known. */
import type { Key } from '@doppel/server/node';
import { command, type Outcome } from '../../command.ts';
import { KEYS_FLAG, presentKeys } from './keys_file_flag.ts';

export default command({
  name: 'doppel serve keys list',
  flags: KEYS_FLAG,
  examples: ['doppel serve keys list', 'doppel serve keys list --keys keys.json --json'],
  async run({ args: { keys: file }, context }): Promise<Outcome> {
    const keys = await presentKeys(context, file);
    const listed = keys.map(({ sha256: _, ...facts }) => facts);
    return { json: { keys: listed }, text: keys.length === 0 ? `${file} has no keys.` : keys.map(lineOf).join('\n') };
  },
});

function lineOf({ name, scopes, created, requestsPerMinute, bytesPerDay }: Key): string {
  const limits = [
    ...(requestsPerMinute === undefined ? [] : [`${requestsPerMinute} requests a minute`]),
    ...(bytesPerDay === undefined ? [] : [`${bytesPerDay} bytes a day`]),
  ];
  return [name, scopes.join(','), ...limits, `since ${created.slice(0, 10)}`].join('  ');
}
