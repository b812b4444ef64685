/** The version of all doppel packages, written into checkpoints, reports and the server's answers. */
export const VERSION = '0.1.0';
