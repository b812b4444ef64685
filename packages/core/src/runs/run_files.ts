/** Files that every run's folder has: a log, metrics.csv, plots, checkpoints. Each is written whole or not at all. */
import { joinPath, readText, type Store } from '../store.ts';
import { formatTable, parseTable, type TableShape } from './table.ts';

/** Layout of metrics.csv. */
export interface MetricsTable<Column extends string> extends TableShape<Column> {
  /** Column that grows with the run: a resumed run keeps the rows up to its position, and writes the others again. */
  position: Column;
}

const REMEDY = 'Delete the file to continue without the older rows.';

/** Rows of a metrics.csv. @param file for messages. @throws FormatError with the line. */
export const parseRows = <Column extends string>(table: TableShape<Column>, text: string, file: string) =>
  parseTable(table, text, { file, remedy: REMEDY });

export const checkpointPath = (run: string, name: string): string =>
  joinPath(run, 'checkpoints', `${name}.safetensors`);

export class RunFiles<Column extends string = string> {
  readonly path: string;
  protected readonly store: Store;
  private readonly table: MetricsTable<Column>;
  private readonly onLog: ((line: string) => void) | undefined;

  /** @param onLog gets each line of the log, too. */
  constructor(store: Store, path: string, table: MetricsTable<Column>, onLog?: (line: string) => void) {
    this.store = store;
    this.path = path;
    this.table = table;
    this.onLog = onLog;
  }

  /** Writes a line with the time into `log.txt`. */
  async log(line: string): Promise<void> {
    await this.store.append(joinPath(this.path, 'log.txt'), `${new Date().toISOString()} ${line}\n`);
    this.onLog?.(line);
  }

  /** Rows of metrics.csv up to a position; none where there is no such file yet. */
  async readRows(upTo: number): Promise<Record<Column, number>[]> {
    const file = joinPath(this.path, 'metrics.csv');
    if (!(await this.store.stat(file))) return [];
    const rows = parseRows(this.table, await readText(this.store, file), file);
    return rows.filter((row) => row[this.table.position] <= upTo);
  }

  async writeRows(rows: readonly Record<Column, number>[]): Promise<void> {
    await this.store.write(joinPath(this.path, 'metrics.csv'), formatTable(this.table, rows));
  }

  /** @param plots SVG by name. */
  async writePlots(plots: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, svg] of Object.entries(plots)) {
      await this.store.write(joinPath(this.path, 'plots', `${name}.svg`), `${svg}\n`);
    }
  }
}
