/** `doppel generator pack`: the checkpoint of a generator without what only training needs. */
import { sha256 } from '@doppel/core/base';
import { packGenerator, readGeneratorFile } from '@doppel/core/generator';
import { command, type Outcome } from '../../command.ts';
import { text } from '../../flags.ts';
import { GENERATOR_FLAG } from '../../generator_flag.ts';

export default command({
  name: 'doppel generator pack',
  flags: { ...GENERATOR_FLAG, out: text('file', 'File of the smaller checkpoint') },
  examples: ['doppel generator pack --generator runs/g/checkpoints/last.safetensors --out g.safetensors'],
  async run({ args, context: { store } }): Promise<Outcome> {
    const bytes = packGenerator(await readGeneratorFile(store, args.generator), args.generator);
    await store.write(args.out, bytes);
    const fingerprint = await sha256(bytes);
    return {
      json: { generator: args.generator, out: args.out, bytes: bytes.length, fingerprint },
      text: `${args.out}: ${(bytes.length / 1e6).toFixed(1)} MB, SHA-256 ${fingerprint}`,
    };
  },
});
