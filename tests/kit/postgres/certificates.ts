// Certificate authorities of a test's own, made by openssl, which PostgreSQL's packages bring along.
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unprivilegedUser } from './cluster.ts'

export type Authority = {
  /** The file of its certificate, for `sslrootcert`. */
  readonly path: string
  /** Makes a key and a certificate for these names (`DNS:db`, `IP:127.0.0.1`). `days`: 0 has expired. */
  issue(name: string, names: string, days?: number): ServerCertificate
}

export type ServerCertificate = { readonly key: string; readonly certificate: string }

/** Makes an authority whose files are in this folder, beginning with this name. */
export function createAuthority(folder: string, name: string): Authority {
  const path = join(folder, `${name}.crt`)
  const key = join(folder, `${name}.key`)
  const self = ['req', '-x509', '-newkey', ...EC, '-nodes', '-subj', `/CN=${name}`, '-days', '2']
  openssl([...self, '-keyout', key, '-out', path])
  return {
    path,
    issue(server, names, days = 2) {
      const issued = {
        key: join(folder, `${server}.key`),
        certificate: join(folder, `${server}.crt`),
      }
      const request = join(folder, `${server}.csr`)
      const extensions = join(folder, `${server}.ext`)
      writeFileSync(extensions, `subjectAltName=${names}\n`)
      const ask = ['req', '-newkey', ...EC, '-nodes', '-subj', '/CN=a server']
      openssl([...ask, '-keyout', issued.key, '-out', request])
      const sign = ['x509', '-req', '-in', request, '-CA', path, '-CAkey', key, '-CAcreateserial']
      const what = ['-extfile', extensions, '-days', String(days), '-out', issued.certificate]
      openssl([...sign, ...what])
      makePrivate(issued.key)
      return issued
    },
  }
}

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}

/** PostgreSQL refuses a key that others can read. */
function makePrivate(path: string): void {
  const user = unprivilegedUser()
  if (user !== undefined) chownSync(path, user.uid, user.gid)
  chmodSync(path, 0o600)
}
