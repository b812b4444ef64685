/** SQLite compiled to JavaScript, which comes without types: what of it is used. */
declare module 'sql.js/dist/sql-asm-memory-growth.js' {
  type SqlValue = number | string | Uint8Array | null;
  interface Database {
    run(sql: string, values?: readonly SqlValue[]): Database;
    prepare(sql: string): Statement;
    exec(sql: string): { columns: string[]; values: SqlValue[][] }[];
    /** Bytes of the file. */
    export(): Uint8Array;
    close(): void;
  }
  interface Statement {
    run(values: readonly SqlValue[]): void;
    free(): boolean;
  }
  const initSqlJs: () => Promise<{ Database: new (bytes?: Uint8Array) => Database }>;
  export default initSqlJs;
}
