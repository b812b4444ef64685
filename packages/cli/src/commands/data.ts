/** `doppel data`: makes data sets, divides them by place, and looks at them. */
import { commandGroup } from '../command.ts';

const meta = { name: 'data', description: 'Import, split and inspect data sets' };
const importMeta = {
  name: 'data import',
  description: 'Make a data set from scenes, from a folder of patches, or from SARptical',
};

const importGroup = commandGroup(importMeta, {
  scenes: () => import('./data/import_scenes.ts').then((it) => it.default),
  folder: () => import('./data/import_folder.ts').then((it) => it.default),
  sarptical: () => import('./data/import_sarptical.ts').then((it) => it.default),
});

export default commandGroup(meta, {
  import: async () => importGroup,
  split: () => import('./data/split.ts').then((it) => it.default),
  inspect: () => import('./data/inspect.ts').then((it) => it.default),
});
