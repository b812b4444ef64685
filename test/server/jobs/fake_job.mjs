/** A job's process without the work: what it does is told by the seed of its settings. */
import { once } from 'node:events';
import { getPriority } from 'node:os';
import { createInterface } from 'node:readline';

const lines = createInterface({ input: process.stdin });
lines.on('close', () => process.exit(1));
const [task] = await once(lines, 'line');
const { settings, names } = JSON.parse(task);
const tell = (message) => console.log(JSON.stringify(message));

console.log('a library prints something', '{"kind":"other"}');
tell({ kind: 'progress', done: 1, total: 2, phase: 'points' });
if (settings.seed === 1) {
  tell({ kind: 'progress', done: process.pid, total: 2, phase: 'hangs' });
  setInterval(() => {}, 1000);
} else if (settings.seed === 2) {
  console.error('out of memory');
  process.kill(process.pid, 'SIGKILL');
} else if (settings.seed === 3) {
  process.exit(7);
} else {
  setTimeout(() => {
    const [priority, folder] = [getPriority(), process.cwd()];
    tell({ kind: 'done', summary: { status: 'trusted', files: {}, names, priority, folder, said: task.length } });
    process.exit(0);
  }, 200);
}
