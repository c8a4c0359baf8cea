// Encryption on the way to the database, with certificate authorities of this file's own.
import dns from 'node:dns'
import { chmodSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeFolder } from '../kit/process/spawn-server.ts'
import { createAuthority, type ServerCertificate } from '../kit/postgres/certificates.ts'
import { findPostgres, startCluster } from '../kit/postgres/cluster.ts'
import { openAt } from '../kit/postgres/open-postgres-store.ts'
import { skip } from '../kit/runner/skip.ts'

const test = suite('TLS to PostgreSQL')
const bin = findPostgres()

const PASSWORD = 'a word that nobody sees'
/** Names that do not tell that they mean this machine. */
const ELSEWHERE = 'db.example'
const OTHERWHERE = 'other.example'

if (bin === undefined) {
  test('a certificate is checked', () => skip('postgresql is not installed'))
} else {
  pointHere([ELSEWHERE, OTHERWHERE])
  const folder = makeFolder()
  chmodSync(folder, 0o755)
  const authority = createAuthority(folder, 'authority')
  const other = createAuthority(folder, 'other')
  const cluster = await startCluster(bin, [], {
    access: ['local all all trust', 'host all all 127.0.0.1/32 scram-sha-256'],
  })
  await cluster.query(`create role ada login superuser password '${PASSWORD}'`)
  await cluster.createDatabase()

  /** Opens a store by this address, and closes it. */
  async function connect(
    host: string,
    parameters: Record<string, string>,
    password = PASSWORD,
  ): Promise<'opened' | string> {
    const query = new URLSearchParams(parameters).toString()
    const address = `postgres://ada@${host}:${cluster.port}/test_1?${query}`
    try {
      const { store } = await openAt(address, { password })
      await store.close()
      return 'opened'
    } catch (error) {
      const text = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).stack)}`
      assert.not.match(text, PASSWORD)
      return String(error)
    }
  }

  async function present({ key, certificate }: ServerCertificate): Promise<void> {
    await cluster.query(`alter system set ssl_key_file = '${key}'`)
    await cluster.query(`alter system set ssl_cert_file = '${certificate}'`)
    await cluster.set('ssl', "'on'")
  }

  const byAuthority = { sslrootcert: authority.path }

  test('a server without TLS is refused wherever TLS is asked for', async () => {
    for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
      const answer = await connect('localhost', { ...byAuthority, sslmode })
      assert.match(answer, /storage_failed|Cannot reach the database/)
      assert.match(answer, /does not support SSL/)
    }
    assert.match(await connect(ELSEWHERE, byAuthority), /does not support SSL/)
    assert.is(await connect('localhost', {}), 'opened')
    assert.is(await connect(ELSEWHERE, { sslmode: 'disable' }), 'opened')
  })

  test('a wrong password is refused and not repeated', async () => {
    const answer = await connect('127.0.0.1', {}, 'a guess of somebody')
    assert.match(answer, /password authentication failed/)
    assert.not.match(answer, /a guess of somebody/)
  })

  test('verify-full takes the certificate for its name from its authority, and no other', async () => {
    await present(authority.issue('named', `DNS:localhost,DNS:${ELSEWHERE}`))
    const full = { ...byAuthority, sslmode: 'verify-full' }
    assert.is(await connect('localhost', full), 'opened')
    assert.is(await connect(ELSEWHERE, full), 'opened')
    // Not for this name, nor for the address.
    assert.match(await connect(OTHERWHERE, full), /does not match certificate's altnames/)
    assert.match(await connect('127.0.0.1', full), /does not match certificate's altnames/)
    const byOther = { sslrootcert: other.path, sslmode: 'verify-full' }
    assert.match(await connect('localhost', byOther), /verify|certificate/)
    assert.match(await connect('localhost', { sslmode: 'verify-full' }), /verify|certificate/)
  })

  test('beyond this machine verify-full is what holds unless something else is asked for', async () => {
    assert.is(await connect(ELSEWHERE, byAuthority), 'opened')
    assert.match(await connect(OTHERWHERE, byAuthority), /does not match certificate's altnames/)
    assert.match(await connect(ELSEWHERE, {}), /verify|certificate/)
  })

  test('verify-ca asks for the authority alone', async () => {
    const ca = { ...byAuthority, sslmode: 'verify-ca' }
    assert.is(await connect(OTHERWHERE, ca), 'opened')
    const byOther = { sslrootcert: other.path, sslmode: 'verify-ca' }
    assert.match(await connect(OTHERWHERE, byOther), /verify|certificate/)
  })

  test('require takes any certificate, but with an authority only what that has signed', async () => {
    assert.is(await connect(OTHERWHERE, { sslmode: 'require' }), 'opened')
    assert.is(await connect(OTHERWHERE, { ...byAuthority, sslmode: 'require' }), 'opened')
    // As libpq does: who names an authority wants it to be asked.
    const byOther = { sslrootcert: other.path, sslmode: 'require' }
    assert.match(await connect(OTHERWHERE, byOther), /verify|certificate/)
  })

  test('an address is checked as an address', async () => {
    await present(authority.issue('numbered', 'IP:127.0.0.1'))
    const full = { ...byAuthority, sslmode: 'verify-full' }
    assert.is(await connect('127.0.0.1', full), 'opened')
    assert.match(await connect('localhost', full), /does not match certificate's altnames/)
  })

  test('a certificate that has expired is refused', async () => {
    await present(authority.issue('expired', 'DNS:localhost', 0))
    for (const sslmode of ['verify-full', 'verify-ca']) {
      assert.match(await connect('localhost', { ...byAuthority, sslmode }), /expired/)
    }
    assert.is(await connect('localhost', { sslmode: 'require' }), 'opened')
  })

  test('all connections of a store are over TLS', async () => {
    await present(authority.issue('again', 'DNS:localhost'))
    const query = new URLSearchParams({ ...byAuthority, sslmode: 'verify-full' }).toString()
    const address = `postgres://ada@localhost:${cluster.port}/test_1?${query}`
    const { store } = await openAt(address, { password: PASSWORD })
    const rows = await cluster.query(
      `select a.application_name, s.ssl from pg_stat_activity a join pg_stat_ssl s using (pid)
       where a.application_name like 'coatcheck %'`,
    )
    assert.is(rows.length, 4)
    for (const [name, ssl] of rows) assert.is(ssl, true, String(name))
    await store.close()
  })

  test('the cluster stops', () => cluster.stop())
}

test.run()

/** As a resolver might, which a test has none of. */
function pointHere(names: readonly string[]): void {
  const { lookup } = dns
  dns.lookup = ((host: string, ...rest: unknown[]) =>
    Reflect.apply(lookup, dns, [
      names.includes(host) ? '127.0.0.1' : host,
      ...rest,
    ]) as unknown) as typeof lookup
}
