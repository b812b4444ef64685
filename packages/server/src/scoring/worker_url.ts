/**
 * URL of a worker thread's program, beside the module that starts it: compiled beside compiled, source beside source (Deno).
 *
 * @param base `import.meta.url` of that module.
 */
export function workerUrl(name: string, base: string): URL {
  return new URL(`./${name}${base.endsWith('.ts') ? '.ts' : '.js'}`, base);
}
