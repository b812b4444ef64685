/** `doppel batch plan KIND`: turns a manifest into a plan, whose shards any number of tasks can run. */
import { INPUT_CHECKS, writePlan } from '@doppel/core/batch';
import { rootOf, type WorkKind } from '../../batch/kind.ts';
import { KINDS } from '../../batch/kinds.ts';
import { type Command, command, type Group } from '../../command.ts';
import { choice, text } from '../../flags.ts';

const GROUP: Group = {
  name: 'doppel batch plan',
  /** Made when it is asked for: a kind may be registered until then. */
  get commands() {
    return Object.fromEntries(
      KINDS.values().map((kind) => [kind.name, { description: kind.description, load: async () => commandOf(kind) }]),
    );
  },
};
export default GROUP;

const COMMON_FLAGS = {
  out: text('folder', 'Folder of the plan; a plan that is there is replaced, and results of unchanged items are kept'),
  inputs: choice(
    INPUT_CHECKS,
    'What tells that an input has changed: size and time of modification, size alone (for copies), SHA-256 of it',
  ).default('time'),
};

function commandOf(kind: WorkKind): Command {
  return command({
    name: `doppel batch plan ${kind.name}`,
    words: { manifest: text('file', kind.manifest) },
    flags: { ...COMMON_FLAGS, ...kind.flags },
    examples: kind.examples,
    async run({ args, context }) {
      const { store } = context;
      const { manifest, out: folder, inputs } = args;
      const given = args as Record<string, unknown>;
      const values = Object.fromEntries(Object.keys(kind.flags).map((name) => [name, given[name]]));
      const settings = kind.settle?.(values, manifest) ?? values;
      const root = await (kind.root ?? rootOf)(manifest, store);
      const tools = await kind.tools(store, settings);
      const interrupted = { text: `interrupted; ${folder} is as it was` };
      const { plan, isNew } = await context.work({ label: 'plan', unit: 'items', interrupted }, (watch) =>
        writePlan(
          store,
          {
            folder,
            kind: kind.name,
            settings,
            tools,
            root,
            inputs,
            items: kind.items({ store, manifest, root, settings }),
          },
          watch,
        ),
      );
      const { items, fingerprint } = plan.header;
      return {
        json: { plan: folder, kind: kind.name, items, fingerprint, isNew },
        text: `${items} items planned in ${folder}${isNew ? '' : ', as before'}; next: doppel batch run ${folder}`,
      };
    },
  });
}
