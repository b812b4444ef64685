/** What the folders of all kinds of runs have in common: a log, metrics.csv, plots. Each file is written whole or not at all. */
import { CheckpointError } from '../errors.ts';
import { joinPath, readText, type Store } from '../store.ts';

export class RunFiles {
  readonly path: string;
  protected readonly store: Store;
  private readonly onLog: ((line: string) => void) | undefined;

  constructor(store: Store, path: string, onLog?: (line: string) => void) {
    this.store = store;
    this.path = path;
    this.onLog = onLog;
  }

  /** A line for `log.txt`, with the time, and for whoever follows the run. */
  async log(line: string): Promise<void> {
    await this.store.append(joinPath(this.path, 'log.txt'), `${new Date().toISOString()} ${line}\n`);
    this.onLog?.(line);
  }

  /** The rows of metrics.csv; none where there is no such file yet. */
  protected async readTable<Row>(parse: (text: string, file: string) => Row[]): Promise<Row[]> {
    const file = joinPath(this.path, 'metrics.csv');
    return (await this.store.stat(file)) ? parse(await readText(this.store, file), file) : [];
  }

  protected async writeTable(text: string): Promise<void> {
    await this.store.write(joinPath(this.path, 'metrics.csv'), text);
  }

  /** @param plots SVG by name. */
  protected async writePlots(plots: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, svg] of Object.entries(plots)) {
      await this.store.write(joinPath(this.path, 'plots', `${name}.svg`), `${svg}\n`);
    }
  }
}

/** A checkpoint with what a run needs to go on. @throws CheckpointError where it holds weights only. */
export function resumable<C extends { resume?: unknown }>(
  { resume, ...checkpoint }: C,
  file: string,
  remedy: string,
): Omit<C, 'resume'> & { resume: NonNullable<C['resume']> } {
  if (resume) return { ...checkpoint, resume: resume as NonNullable<C['resume']> };
  throw new CheckpointError({
    action: 'take up the run of',
    file,
    expected: "the optimiser's moments and the state of the run",
    found: 'weights only',
    remedy,
  });
}
