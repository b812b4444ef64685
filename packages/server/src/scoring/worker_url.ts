/** Where the program of a worker thread lies: compiled beside the compiled caller, source beside the source (Deno). */
export function workerUrl(name: string, base: string): URL {
  return new URL(`./${name}${base.endsWith('.ts') ? '.ts' : '.js'}`, base);
}
