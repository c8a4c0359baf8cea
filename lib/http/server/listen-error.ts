import { lstatSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../../base/errors.ts'

type Address = { readonly host: string; readonly port: number } | { readonly path: string }

/** The server cannot listen; the message has the reason and the way out. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** The flags that say where a server listens. */
export type ListenFlags = { readonly host: string; readonly port: string; readonly path: string }

const MAIN_FLAGS: ListenFlags = { host: '--host', port: '--port', path: '--listen' }

/** An error of Node's about the address, as a `ListenError`. */
export function asListenError(
  address: Address,
  error: unknown,
  flags: ListenFlags = MAIN_FLAGS,
): ListenError {
  const code = codeOf(error)
  if ('path' in address) {
    return new ListenError(
      `Cannot listen on unix:${address.path}: ${pathReason(address.path, code, flags.path)}`,
    )
  }
  const { host, port } = address
  const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new ListenError(`Cannot listen on ${at}: ${hostReason(code, flags)}`)
}

function hostReason(code: string, flags: ListenFlags): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program has the port (${code}); stop that one, or choose another (${flags.port})`
    case 'EACCES':
      return `this user may not have a port so low (${code}); choose one from 1024 (${flags.port})`
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return (
        `no network interface of this machine has this address (${code}); give one that it has, ` +
        `such as 127.0.0.1, or 0.0.0.0 for all (${flags.host})`
      )
    case 'ENOTFOUND':
    case 'ENODATA':
      return `no address is known for this name (${code}); give another, or an address (${flags.host})`
    case 'EAI_AGAIN':
      return `no name server could be asked for this name (${code}); give an address (${flags.host})`
    default:
      return `the system refuses (${code}); give another address (${[...new Set([flags.host, flags.port])].join(', ')})`
  }
}

/** libuv reports a missing folder as one that is not writable. */
function pathReason(path: string, code: string, flag: string): string {
  const folder = dirname(path)
  if (find(folder)?.isDirectory() === false) {
    return `${folder} is no folder (${code}); choose another path (${flag})`
  }
  if (code === 'EADDRINUSE') {
    return find(path)?.isSocket() === true
      ? `another program listens there (${code}); stop that one, or choose another path (${flag})`
      : `a file or folder that is no socket is there (${code}); move it away, or choose another path (${flag})`
  }
  if (/^(EACCES|EPERM|ENOENT|EROFS)$/.test(code)) {
    return find(folder) === undefined && code !== 'EROFS'
      ? `there is no folder ${folder} (${code}); make it, or choose another path (${flag})`
      : `this user may not write in ${folder} (${code}); mend its rights, or choose another path (${flag})`
  }
  return `the system refuses (${code}); choose another path (${flag})`
}

/**
 * The file of this name, or a dangling link itself; undefined where there is none, or none to be
 * seen.
 */
function find(path: string): Stats | undefined {
  for (const look of [statSync, lstatSync]) {
    try {
      return look(path)
    } catch {
      continue
    }
  }
  return undefined
}
