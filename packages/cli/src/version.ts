/** Version of doppel, in one place for the CLI, the logs of runs and the server. */
export { VERSION } from '@doppel/core';
