import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { testContext } from '../../../test/support/context.ts'
import { AppError } from '../errors.ts'
import { checkDestination, type Resolve, send } from './guard.ts'
import { blockedRange } from './ranges.ts'

const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code

async function receiver(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

test('addresses that are not public are told apart from those that are', () => {
  const blocked = [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    'fe80::1%eth0',
    'fd00:ec2::254',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:0:1::1',
    'ff02::1',
  ]
  for (const address of blocked) assert.notEqual(blockedRange(address), undefined, address)
  for (const address of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '100.128.0.1', '2606:4700::1111'])
    assert.equal(blockedRange(address), undefined, address)
})

test('a private address is refused in every spelling, and so are other schemes, users and plain http', async (t) => {
  const ctx = await testContext(t)
  const refused = [
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://0/',
    'http://example.com/',
    'file:///etc/passwd',
    'gopher://example.com/',
    'https://user:secret@example.com/',
    'not a url',
    '',
  ]
  for (const url of refused) assert.throws(() => checkDestination(ctx, url), withCode('invalid_input'), url)
  assert.equal(checkDestination(ctx, 'https://example.com/hook').hostname, 'example.com')
})

test('a public name that leads to a private address is refused, also when only one of its addresses is private', async (t) => {
  const ctx = await testContext(t)
  for (const addresses of [['127.0.0.1'], ['93.184.215.14', '10.0.0.1'], ['::ffff:10.0.0.1']]) {
    const resolve: Resolve = async () =>
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    await assert.rejects(send(ctx, { url: 'https://rebind.example/' }, resolve), withCode('invalid_input'))
  }
})

test('a name is resolved once, and the connection goes to that answer even when the next one differs', async (t) => {
  const port = await receiver(t, (request, reply) => reply.end(request.headers.host))
  const ctx = await testContext(t, { settings: { egress: 'hooks.example' } })
  let asked = 0
  const resolve: Resolve = async () => [{ address: ++asked === 1 ? '127.0.0.1' : '127.0.0.9', family: 4 }]
  const { status, body } = await send(ctx, { url: `http://hooks.example:${port}/` }, resolve)
  assert.deepEqual([status, body.toString(), asked], [200, `hooks.example:${port}`, 1])
})

test('a redirect is an answer and is not followed', async (t) => {
  let followed = false
  const port = await receiver(t, (request, reply) => {
    if (request.url === '/inside') followed = true
    reply.writeHead(302, { location: '/inside' }).end()
  })
  const ctx = await testContext(t, { settings: { egress: `127.0.0.1:${port}` } })
  assert.equal((await send(ctx, { url: `http://127.0.0.1:${port}/` })).status, 302)
  assert.equal(followed, false)
})

test('only the listed port of a listed host may be called', async (t) => {
  const ctx = await testContext(t, { settings: { egress: '127.0.0.1:9999, hooks.example' } })
  assert.equal(checkDestination(ctx, 'http://127.0.0.1:9999/').port, '9999')
  assert.equal(checkDestination(ctx, 'http://hooks.example:81/').port, '81')
  assert.throws(() => checkDestination(ctx, 'http://127.0.0.1:9998/'), withCode('invalid_input'))
})

test('an answer that is too large or too slow is cut off', async (t) => {
  const port = await receiver(t, (request, reply) => {
    reply.writeHead(200)
    if (request.url === '/large') reply.end(Buffer.alloc(3000))
    else reply.write('x')
  })
  const ctx = await testContext(t, { settings: { egress: `127.0.0.1:${port}` } })
  const base = `http://127.0.0.1:${port}`
  await assert.rejects(send(ctx, { url: `${base}/large`, maximumBytes: 2000 }), withCode('upstream_failed'))
  await assert.rejects(send(ctx, { url: `${base}/slow`, timeoutMilliseconds: 100 }), withCode('upstream_failed'))
})
