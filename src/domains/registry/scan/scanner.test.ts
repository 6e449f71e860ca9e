import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import { scanFile } from './scanner.ts'

async function scan(t: TestContext, name: string, content: Buffer): Promise<string[]> {
  const path = join(temporaryFolder(t), 'file')
  writeFileSync(path, content)
  return (await scanFile(name, path)).map(({ kind, detail }) => `${kind} ${detail}`)
}

type Header = { name: string; type?: string; data?: string; link?: string; prefix?: string; magic?: string }

function header({ name, type = '0', data = '', link = '', prefix = '', magic = 'ustar\u000000' }: Header): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write(data.length.toString(8).padStart(11, '0'), 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write(link, 157)
  block.write(magic, 257)
  block.write(prefix, 345)
  return sealed(block)
}

function sealed(block: Buffer): Buffer {
  block.write('        ', 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
  return block
}

function tar(...entries: Header[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const data = Buffer.alloc(Math.ceil((entry.data ?? '').length / 512) * 512)
    data.write(entry.data ?? '')
    return [header(entry), data]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

function pax(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length + 1
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length
  return `${length}${rest}`
}

const evil = '../../../etc/cron.d/x'
const named = `traversal It holds "${evil}".`

test('a name that leads out is found wherever a tar can hide one, packed or not', async (t) => {
  const hidden: Record<string, Buffer> = {
    'pax path': tar({ name: 'p', type: 'x', data: pax('path', evil) }, { name: 'fine' }),
    'pax path over a name that leads out': tar({ name: 'p', type: 'x', data: pax('path', 'fine') }, { name: evil }),
    'sparse name': tar({ name: 'p', type: 'x', data: pax('GNU.sparse.name', evil) }, { name: 'fine' }),
    'pax path for all': tar({ name: 'g', type: 'g', data: pax('path', evil) }, { name: 'fine' }),
    'GNU long name': tar({ name: '././@LongLink', type: 'L', data: `${evil}\0` }, { name: 'fine' }),
    'prefix of an old format': tar({ name: 'cron.d/x', prefix: '../../../etc', magic: 'ustar  \u0000' }),
    'second of one name': tar({ name: 'fine' }, { name: 'fine' }, { name: evil }),
  }
  for (const [what, content] of Object.entries(hidden))
    for (const packed of [content, gzipSync(content)]) assert.ok((await scan(t, 'm.tar', packed)).includes(named), what)
  for (const path of ['/abs', 'C:\\windows\\x', '..\\..\\x', 'a/../../x'])
    assert.ok((await scan(t, 'm.tar', tar({ name: path }))).includes(`traversal It holds "${path}".`), path)
})

test('a link that leads out is found in a header of its own too', async (t) => {
  const link = 'link "l" is a link to "/etc/passwd".'
  for (const type of ['1', '2']) {
    const hidden = {
      plain: tar({ name: 'l', type, link: '/etc/passwd' }),
      pax: tar({ name: 'p', type: 'x', data: pax('linkpath', '/etc/passwd') }, { name: 'l', type, link: 'fine' }),
      gnu: tar({ name: '././@LongLink', type: 'K', data: '/etc/passwd\0' }, { name: 'l', type, link: 'fine' }),
    }
    for (const [what, content] of Object.entries(hidden))
      assert.ok((await scan(t, 'm.tar', content)).includes(link), `${what} ${type}`)
  }
})

test('sizes in base 256 are read, and a tar that ends early is told', async (t) => {
  const large = header({ name: 'zeros' })
  large.writeUInt8(0x80, 124)
  large.fill(0, 125, 136)
  large.writeUIntBE(3_000_000_000, 130, 6)
  const found = await scan(t, 'm.tar', sealed(large))
  assert.ok(found.some((one) => one.startsWith('bomb ')))
  assert.ok(found.some((one) => one.startsWith('unreadable It ends early')))
  assert.match((await scan(t, 'm.tar.gz', gzipSync(tar({ name: 'a' })).subarray(0, 45)))[0] ?? '', /^unreadable/)
})

function zip(entries: { name: string; local?: string; data?: string }[], count = entries.length): Buffer {
  const [files, directory]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const { name, local = name, data = '' } of entries) {
    const head = Buffer.alloc(30)
    head.writeUInt32LE(0x04034b50, 0)
    head.writeUInt16LE(local.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt32LE(data.length, 20)
    central.writeUInt32LE(data.length, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE(offset, 42)
    files.push(head, Buffer.from(local + data))
    directory.push(central, Buffer.from(name))
    offset += 30 + local.length + data.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...files, index, end])
}

test('a name that leads out is found wherever a ZIP file can hide one', async (t) => {
  const hidden: Record<string, Buffer> = {
    'where the bytes are': zip([{ name: 'fine', local: evil }]),
    'in the directory': zip([{ name: evil, local: 'fine' }]),
    'behind the number of entries': zip([{ name: 'fine' }, { name: evil }], 1),
    'after other data': Buffer.concat([Buffer.alloc(300, 7), zip([{ name: evil }])]),
    'second of one name': zip([{ name: 'fine' }, { name: 'fine', local: evil }]),
  }
  for (const [what, content] of Object.entries(hidden))
    assert.ok((await scan(t, 'model.bin', content)).includes(named), what)
  assert.deepEqual(await scan(t, 'm.zip', zip([{ name: 'fine' }])), [])
})

test('many harmless entries do not hide one that is not', async (t) => {
  const links = Array.from({ length: 1100 }, (_, index) => ({ name: `l${index}`, type: '2', link: `fine${index}` }))
  assert.ok((await scan(t, 'm.tar', tar(...links, { name: evil }))).includes(named))
  const stored = Array.from({ length: 300 }, (_, index) => ({ name: `${index}.pkl`, data: 'N.' }))
  const found = await scan(t, 'm.zip', zip([...stored, { name: 'last.pkl', data: 'cposix\nsystem\n.' }]))
  assert.ok(found.includes('dangerous_import posix.system'))
})

test('an archive that lies or is cut anywhere is a finding, never an error and never without end', async (t) => {
  const path = join(temporaryFolder(t), 'file')
  const whole = [
    tar({ name: 'p', type: 'x', data: pax('path', 'a') }, { name: 'b', data: 'text' }),
    zip([{ name: 'a' }, { name: 'b.pkl' }]),
  ]
  const lies = fc.tuple(
    fc.constantFrom(...whole),
    fc.array(fc.tuple(fc.nat(2048), fc.nat(255)), { maxLength: 6 }),
    fc.nat(4096),
  )
  await fc.assert(
    fc.asyncProperty(lies, async ([content, changes, length]) => {
      const lying = Buffer.from(content)
      for (const [at, value] of changes) lying[at % lying.length] = value
      writeFileSync(path, lying.subarray(0, length))
      await scanFile('m.tar', path)
      writeFileSync(path, gzipSync(lying).subarray(0, length))
      await scanFile('m.tar.gz', path)
    }),
    { numRuns: 200 },
  )
})
