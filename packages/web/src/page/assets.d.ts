/** What the bundler puts in the place of these names: addresses of files beside the bundle. */
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
