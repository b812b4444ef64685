/** Loads changed model files, and galleries, when the process gets SIGHUP. */
import { reasonOf } from '@doppel/core/errors';
import type { RunningServer } from './start_server.ts';

export function reloadOnHangup(server: Pick<RunningServer, 'reload'>, log: (line: string) => void): void {
  process.on('SIGHUP', async () => {
    try {
      const { models, galleries = [] } = await server.reload();
      const changed = [
        ...models.filter((model) => model.changed).map(({ name, version }) => `${name} ${version}`),
        ...galleries.filter((gallery) => gallery.changed).map(({ name, tiles }) => `${name} with ${tiles} tiles`),
      ];
      log(`SIGHUP: ${changed.length > 0 ? `now serves ${changed.join(', ')}` : 'no model file has changed'}`);
    } catch (error) {
      log(`SIGHUP: the models stay as they are: ${reasonOf(error)}`);
    }
  });
}
