/** `doppel serve keys add`: makes a key, stores its hash, and prints it once. */
import { UsageError } from '@doppel/core/errors';
import { NAME, newKey, SCOPES, writeKeys } from '@doppel/server/node';
import { z } from 'zod';
import { command, type Outcome } from '../../command.ts';
import { choice, whole } from '../../flags.ts';
import { KEYS_FLAG, keysIn } from './keys_file_flag.ts';

export default command({
  name: 'doppel serve keys add',
  words: {
    name: z.string().regex(NAME).meta({ hint: 'name', description: 'Name of the client, for lists and metrics' }),
  },
  flags: {
    ...KEYS_FLAG,
    scope: z.array(choice(SCOPES, '')).min(1).meta({ description: 'What the key is good for' }),
    rate: whole(1, 'Requests in a minute; default: any number').optional(),
    quota: whole(1, 'Bytes of bodies in a day; default: any number').optional(),
  },
  examples: [
    'doppel serve keys add harbour --scope match',
    'doppel serve keys add lab --scope match,search,register --rate 600 --quota 10000000000 --keys keys.json',
  ],
  async run({ args: { name, scope, rate, quota, keys: file }, context }): Promise<Outcome> {
    const present = await keysIn(context, file);
    if (present.some((key) => key.name === name)) {
      const remedy = `Remove the old one first: \`doppel serve keys remove ${name}\`.`;
      throw new UsageError({
        action: `add the key ${name}`,
        expected: 'a new name',
        found: 'a key of that name',
        remedy,
      });
    }
    const { text, key } = newKey({
      ...{ name, scopes: [...new Set(scope)] },
      ...(rate !== undefined && { requestsPerMinute: rate }),
      ...(quota !== undefined && { bytesPerDay: quota }),
    });
    await writeKeys(file, [...present, key]);
    context.log(`${file} holds its hash only: keep the key now.`);
    return { json: { name, key: text, scopes: key.scopes }, text };
  },
});
