import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseAddress } from '../../lib/base/database-address.ts'

const test = suite('address of a database')

test('the certificate is checked, unless no byte leaves this machine', () => {
  const tlsOf = (hosts: string) => parseAddress(`postgres://coat@${hosts}/coat`).tls
  for (const hosts of ['127.0.0.1', '[::1]:5433', 'localhost', '%2Frun%2Fpostgresql']) {
    assert.is(tlsOf(hosts), 'disable', hosts)
  }
  // A name may begin as an address of the loopback does.
  for (const hosts of ['db1', '127.example.com', '127.0.0.1,db2', '10.0.0.1']) {
    assert.is(tlsOf(hosts), 'verify-full', hosts)
  }
})

test.run()
