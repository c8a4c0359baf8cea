/**
 * The flags of Node for the program, in a clone and in the binary. Plain JavaScript, since
 * lib/program/pinned-node.js must run on any Node.
 */
export const nodeFlags = [
  // The permission model, with the rights for the start; the server drops all of them once it listens
  // (lib/base/permissions.ts). Child processes, the inspector, WASI and FFI are never allowed.
  '--permission',
  // All paths, since only the settings, which are read later, name the data, the key and the socket.
  '--allow-fs-read=*',
  '--allow-fs-write=*',
  // SQLite is an addon, the writer a worker thread; the server listens.
  '--allow-addons',
  '--allow-worker',
  '--allow-net',
  // Node's own SQLite would open files whatever the rights; foreign functions reach all memory.
  '--no-experimental-sqlite',
  '--no-experimental-ffi',
  // Node warns of addons and workers, which are dropped later, and that --allow-net is experimental.
  '--disable-warning=SecurityWarning',
  '--disable-warning=ExperimentalWarning',
  // MiB. Garbage of requests is collected less often: a tenth less CPU time in all.
  '--min-semi-space-size=16',
  // Little survives a collection, so sharing the work with other threads costs more than it saves.
  '--no-parallel-scavenge',
  // Bytes. A request runs through many small functions; V8 inlines only 460 and 920 bytes of them by
  // default. This saves 3 to 4 % of CPU time.
  '--max-inlined-bytecode-size=1000',
  '--max-inlined-bytecode-size-cumulative=3000',
]
