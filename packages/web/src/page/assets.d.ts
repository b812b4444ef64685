/** Addresses of files beside the bundle, which the bundler puts in the place of these names. */
declare module 'doppel-model' {
  const address: string;
  export default address;
}
declare module 'doppel-wasm' {
  const address: string;
  export default address;
}
/** File name of the worker's bundle. */
declare const WORKER: string;
declare module '*.css';
