/**
 * With these flags Node starts the server, and the binary itself. Plain JavaScript, since
 * lib/program/pinned-node.js must run on any Node.
 */
export const nodeFlags = [
  // The permission model, with what is needed until the server listens. Then it lets go of all of it:
  // see lib/base/permissions.ts. Never given are child processes, the inspector, WASI and FFI.
  '--permission',
  // All paths: only the settings, which are read later, say where the data, the key and the socket are.
  '--allow-fs-read=*',
  '--allow-fs-write=*',
  // SQLite is an addon, the writer a worker thread; the server listens.
  '--allow-addons',
  '--allow-worker',
  '--allow-net',
  // A second SQLite, which would open files by itself whatever the rights, and foreign functions,
  // which reach all memory.
  '--no-experimental-sqlite',
  '--no-experimental-ffi',
  // Node warns of addons and workers, which are dropped here, and of --allow-net being new.
  '--disable-warning=SecurityWarning',
  '--disable-warning=ExperimentalWarning',
  // MiB. What a request leaves behind is collected less often, for a tenth less CPU time in all.
  '--min-semi-space-size=16',
  // By the thread that makes it: there is little to keep, and to share that with others costs more.
  '--no-parallel-scavenge',
  // Bytes. What answers a request is many small functions, and V8 stops joining them to one at 460 and
  // 920 of these: 3 to 4 % less CPU time.
  '--max-inlined-bytecode-size=1000',
  '--max-inlined-bytecode-size-cumulative=3000',
]
