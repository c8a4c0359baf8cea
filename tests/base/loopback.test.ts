import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isLoopback } from '../../lib/base/loopback.ts'

const test = suite('loopback')

test('addresses and names that other machines can reach are none', () => {
  for (const host of ['0.0.0.0', '::', '[::]', '192.168.1.2', '10.0.0.1', '128.0.0.1', '::2']) {
    assert.is(isLoopback(host), false, host)
  }
  for (const host of ['example.com', 'localhost.example.com', 'notlocalhost', '127.0.0.1.nip.io']) {
    assert.is(isLoopback(host), false, host)
  }
})

test('the addresses of the loopback are, and the names for it', () => {
  for (const host of ['127.0.0.1', '127.255.0.9', '::1', '[::1]', '::ffff:127.0.0.1']) {
    assert.is(isLoopback(host), true, host)
  }
  for (const host of ['localhost', 'LOCALHOST', 'app.localhost']) {
    assert.is(isLoopback(host), true, host)
  }
})

test.run()
