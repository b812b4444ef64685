/** `doppel serve keys remove`: a running server refuses the key within a second. */
import { UsageError } from '@doppel/core/errors';
import { writeKeys } from '@doppel/server/node';
import { command, type Outcome } from '../../command.ts';
import { text } from '../../flags.ts';
import { KEYS_FLAG, presentKeys } from './keys_file_flag.ts';

export default command({
  name: 'doppel serve keys remove',
  words: { name: text('name', 'Name of the key') },
  flags: KEYS_FLAG,
  examples: ['doppel serve keys remove harbour'],
  async run({ args: { name, keys: file }, context }): Promise<Outcome> {
    const keys = await presentKeys(context, file);
    const rest = keys.filter((key) => key.name !== name);
    if (rest.length === keys.length) {
      const expected = `one of the keys ${keys.map((key) => key.name).join(', ') || '(none)'}`;
      throw new UsageError({ action: 'remove a key', expected, found: `"${name}"` });
    }
    await writeKeys(file, rest);
    return { json: { removed: name, left: rest.length }, text: `Removed ${name}; ${rest.length} left.` };
  },
});
