/** Where the program of a worker thread lies: compiled beside the compiled caller, source beside the source (Deno). */
export function workerUrl(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
