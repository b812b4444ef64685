/** `doppel export`: a checkpoint as ONNX, with the normalisation of its patches inside, and in Triton's folder layout. */
import { MODELS, readModel, readModelCard, readText } from '@doppel/core';
import { selectBackend } from '@doppel/core/backends';
import { exportOnnx, type OnnxModel, OPSET, onnxFiles, type Port } from '@doppel/core/export';
import { command, type Outcome } from '../command.ts';
import type { Context } from '../context.ts';
import { choice, text } from '../flags.ts';
import { MODEL_FLAG } from '../model_flag.ts';
import { ensureWritable, writeTogether } from '../write_together.ts';

const FORMATS = ['onnx'] as const;

export default command({
  name: 'doppel export',
  words: MODEL_FLAG,
  flags: {
    format: choice(FORMATS, 'Format of the models').default('onnx'),
    out: text('folder', 'Folder of the models'),
    card: text(
      'file',
      "Page of Markdown for the models' metadata; default: the card of a named model, else the facts of the checkpoint",
    ).optional(),
  },
  examples: [
    'doppel export s1s2-10m --format onnx --out export',
    'doppel export runs/a/checkpoints/best.safetensors --format onnx --out export',
    'doppel export best.safetensors --out export --card MODEL_CARD.md --json',
  ],
  async run({ args, context }): Promise<Outcome> {
    const { store } = context;
    await ensureWritable(store, args.out);
    const bytes = await readModel(store, args.model);
    const card = await cardOf(context, args);
    await selectBackend({ requested: 'cpu' }); // folds weights, which needs no speed
    const models = await exportOnnx(bytes, args.model, card);
    const files = onnxFiles(models);
    await writeTogether(store, args.out, files);
    return {
      json: {
        ...{ format: args.format, opset: OPSET, model: args.model, out: args.out },
        models: models.map(describe),
        files: [...files.keys()],
      },
      text: [...models.map(lineOf), `written to ${args.out}, and for Triton to ${args.out}/triton`].join('\n'),
    };
  },
});

async function cardOf({ store }: Context, { model, card }: { model: string; card?: string | undefined }) {
  if (card !== undefined) return readText(store, card);
  return MODELS.has(model) ? readModelCard(model) : undefined;
}

const describe = ({ name, bytes, inputs, outputs }: OnnxModel) => ({ name, bytes: bytes.length, inputs, outputs });

const lineOf = ({ name, bytes, inputs, outputs }: OnnxModel): string =>
  `${name}.onnx  ${(bytes.length / 2 ** 20).toFixed(1)} MiB  ${inputs.map(portText).join(', ')} → ${outputs.map(portText).join(', ')}`;

const portText = ({ name, axes }: Port): string => `${name} [${axes.join(', ')}]`;
