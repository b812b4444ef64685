/**
 * Holds what nvcc makes of the convolutions and matrix products against what their sources promise, for each architecture: no
 * spilled registers, tensor-core instructions where a kernel's name says tf32 or bf16 and none elsewhere, and the occupancy
 * that stands above the kernel as `// occupancy: NAME THREADS threads, BLOCKS blocks`. Needs nvcc, no card.
 *
 *     node scripts/check_cuda.mjs [--json] [--one] [--architectures 80,90] [FILE.cu …]
 *
 * `--one` compiles one after the other instead of as many at once as there are processors. Without `--architectures` all of
 * them are checked.
 *
 * Registers, spills and shared memory are ptxas's report. Instructions are counted in the machine code itself.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE } from './run.mjs';

const KERNELS = join(PACKAGE, 'cc/cuda/kernels');
const NVCC = process.env.CUDACXX ?? 'nvcc';

/**
 * A multiprocessor's limits: CUDA C++ Programming Guide 13, "Technical specifications per compute capability". Registers are
 * given to warps in pieces of 256; each block takes 1 KB of shared memory for itself.
 */
const LIMITS = {
  80: { threads: 2048, blocks: 32, sharedKb: 164 },
  86: { threads: 1536, blocks: 16, sharedKb: 100 },
  89: { threads: 1536, blocks: 24, sharedKb: 100 },
  90: { threads: 2048, blocks: 32, sharedKb: 228 },
  100: { threads: 2048, blocks: 32, sharedKb: 228 },
};
const REGISTERS = 65536;

/** Of the lowest 12 bits of an instruction, for the five architectures. */
const HMMA = 0x23c;

/** Blocks that fit on a multiprocessor at once. */
function occupancy({ registers, shared }, threads, { threads: mostThreads, blocks, sharedKb }) {
  const warps = Math.ceil(threads / 32);
  const byRegisters = Math.floor(REGISTERS / (Math.ceil((registers * 32) / 256) * 256) / warps);
  const byShared = Math.floor((sharedKb * 1024) / (shared + 1024));
  return Math.min(blocks, Math.floor(mostThreads / threads), byRegisters, byShared);
}

/** By kernel: what the comments of a source, and of the headers beside it, promise. */
function promises(source) {
  const beside = readdirSync(dirname(source))
    .filter((name) => name.endsWith('.cuh'))
    .map((name) => join(dirname(source), name));
  const text = [source, ...beside].map((file) => readFileSync(file, 'utf8')).join('\n');
  const found = text.matchAll(/^\/\/ occupancy: (\w+) (\d+) threads, (\d+) blocks$/gm);
  return new Map(
    [...found].map(([, name, threads, blocks]) => [name, { threads: Number(threads), blocks: Number(blocks) }]),
  );
}

function nvcc(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(NVCC, args);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
      });
    }
    child.on('error', (cause) => reject(new Error(`${NVCC} does not start: ${cause.message}`)));
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`nvcc failed:\n${output}`))));
  });
}

/** ptxas's lines on each kernel. */
function resources(report) {
  const kernels = new Map();
  for (const part of report.split('Compiling entry function ').slice(1)) {
    const number = (pattern) => Number(pattern.exec(part)?.[1] ?? 0);
    kernels.set(/^'([^']+)'/.exec(part)[1], {
      registers: number(/Used (\d+) registers/),
      shared: number(/(\d+) bytes smem/),
      stack: number(/(\d+) bytes stack frame/),
      spills: number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/),
    });
  }
  return kernels;
}

/** Tensor-core instructions by kernel: instructions of 16 bytes in the sections .text.KERNEL of an ELF file. */
function tensorInstructions(cubin) {
  const bytes = readFileSync(cubin);
  const [table, size, count, names] = [
    Number(bytes.readBigUInt64LE(0x28)),
    ...[0x3a, 0x3c, 0x3e].map((at) => bytes.readUInt16LE(at)),
  ];
  const section = (index) => {
    const at = table + index * size;
    const [start, length] = [0x18, 0x20].map((field) => Number(bytes.readBigUInt64LE(at + field)));
    return { name: bytes.readUInt32LE(at), start, length };
  };
  const found = new Map();
  for (let index = 0; index < count; index++) {
    const { name, start, length } = section(index);
    const from = section(names).start + name;
    const text = bytes.toString('latin1', from, bytes.indexOf(0, from));
    if (!text.startsWith('.text.')) continue;
    let instructions = 0;
    for (let at = start; at < start + length; at += 16) if ((bytes.readUInt16LE(at) & 0xfff) === HMMA) instructions++;
    found.set(text.slice('.text.'.length), instructions);
  }
  return found;
}

/** The kernel's own name in a mangled one, where each name follows its length. */
function plainName(mangled) {
  for (let at = mangled.search(/\d/); at >= 0 && at < mangled.length; ) {
    const [digits] = /^\d+/.exec(mangled.slice(at)) ?? [];
    if (!digits) break;
    const start = at + digits.length;
    const name = mangled.slice(start, start + Number(digits));
    if (name.endsWith('_kernel')) return name;
    at = start + name.length;
  }
  return mangled;
}

async function examine(source, architecture, scratch) {
  const cubin = join(scratch, `${basename(source)}.${architecture}.cubin`);
  const flags = ['-std=c++20', '-O3', '-cubin', `-arch=sm_${architecture}`, '-Xptxas', '-v'];
  const report = await nvcc([...flags, source, '-o', cubin]);
  const tensor = tensorInstructions(cubin);
  const promised = promises(source);
  return [...resources(report)].map(([mangled, used]) => {
    const name = plainName(mangled);
    const promise = promised.get(name);
    const blocks = promise && occupancy(used, promise.threads, LIMITS[architecture]);
    return {
      file: basename(source),
      kernel: name,
      mangled,
      architecture,
      ...used,
      hmma: tensor.get(mangled) ?? 0,
      blocks,
      promised: promise?.blocks,
    };
  });
}

function faultsOf({ kernel, mangled, architecture, spills, stack, hmma, blocks, promised }) {
  const wantsTensorCores = /tf32|bf16/.test(kernel);
  const faults = [];
  if (spills > 0 || stack > 0) faults.push(`spills ${spills} bytes, stack ${stack} bytes`);
  if (wantsTensorCores && hmma === 0) faults.push('has no tensor-core instruction');
  if (!wantsTensorCores && hmma > 0) faults.push(`has ${hmma} tensor-core instructions and not the name for it`);
  if (promised !== undefined && blocks < promised)
    faults.push(`${blocks} blocks fit on a multiprocessor, its comment says ${promised}`);
  return faults.map((fault) => `sm_${architecture} ${kernel}: ${fault} (${mangled})`);
}

const { values: flags, positionals } = parseArgs({
  options: { json: { type: 'boolean' }, one: { type: 'boolean' }, architectures: { type: 'string' } },
  allowPositionals: true,
});
const sources =
  positionals.length > 0
    ? positionals
    : ['conv2d.cu', 'conv2d_backprop.cu', 'matmul.cu'].map((name) => join(KERNELS, name));
const architectures = flags.architectures?.split(',') ?? Object.keys(LIMITS);
const scratch = mkdtempSync(join(tmpdir(), 'doppel-cuda-'));
try {
  const tasks = sources.flatMap((source) => architectures.map((architecture) => [source, architecture]));
  const rows = [];
  const worker = async () => {
    for (let task = tasks.shift(); task; task = tasks.shift()) rows.push(...(await examine(...task, scratch)));
  };
  await Promise.all(Array.from({ length: flags.one ? 1 : availableParallelism() }, worker));
  const faults = rows.flatMap(faultsOf);
  if (flags.json) console.log(JSON.stringify({ rows, faults }));
  else {
    const highest = (list, key) => Math.max(...list.map((row) => row[key]));
    for (const name of [...new Set(rows.map(({ kernel }) => kernel))].sort()) {
      const list = rows.filter(({ kernel }) => kernel === name);
      const lowest = Math.min(...list.map(({ blocks }) => blocks ?? Number.NaN));
      const blocks = Number.isNaN(lowest)
        ? ''
        : `, at least ${lowest} blocks a multiprocessor (${list[0].promised} promised)`;
      const hmma = highest(list, 'hmma') > 0 ? `, ${Math.min(...list.map((row) => row.hmma))} or more HMMA` : '';
      console.log(
        `${name}: ${list.length} builds, at most ${highest(list, 'registers')} registers, ${highest(list, 'shared')} bytes shared, spills ${highest(list, 'spills')}${hmma}${blocks}`,
      );
    }
    for (const fault of faults) console.error(`FAULT ${fault}`);
    console.log(`${rows.length} kernels of ${architectures.length} architectures, ${faults.length} faults`);
  }
  process.exitCode = faults.length > 0 || rows.length === 0 ? 1 : 0;
} catch (cause) {
  console.error(`Cannot check the CUDA kernels: ${cause.message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
