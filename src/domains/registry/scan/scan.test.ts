import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { testContext } from '../../../../test/support/context.ts'
import { temporaryFolder } from '../../../../test/support/folder.ts'
import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import * as artifacts from '../../artifacts/artifacts.ts'
import * as registry from '../registry.ts'
import { readPickle } from './pickle.ts'
import { scanFile } from './scanner.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const short = (text: string) => Buffer.concat([Buffer.from([0x8c, text.length]), bytes(text), Buffer.from([0x94])])

/** Calls os.system when it is unpickled, written as Python's protocol 0 and as protocol 4 write it. */
const evilText = bytes("cposix\nsystem\n(S'id'\ntR.")
const evilBinary = Buffer.concat([
  bytes('\x80\x04'),
  short('posix'),
  short('system'),
  bytes('\x93\x94\x8c\x02id\x85R.'),
])
/** A dictionary of numbers: {"a": 1}. */
const harmless = bytes('\x80\x04}\x94\x8c\x01a\x94K\x01s.')

function read(...chunks: Buffer[]) {
  return readPickle(Readable.from(chunks))
}

async function scan(t: TestContext, name: string, content: Buffer): Promise<string[]> {
  const path = join(temporaryFolder(t), 'file')
  writeFileSync(path, content)
  return (await scanFile(name, path)).map(({ kind, severity, detail }) => `${kind} ${severity} ${detail}`)
}

type Member = { name: string; content?: Buffer; mode?: number; size?: number; packed?: boolean }

function zip(members: Member[]): Buffer {
  const [files, directory]: [Buffer[], Buffer[]] = [[], []]
  let offset = 0
  for (const { name, content = Buffer.alloc(0), mode = 0o100644, size = content.length, packed = false } of members) {
    const data = packed ? deflateRawSync(content) : content
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(name.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(packed ? 8 : 0, 10)
    central.writeUInt32LE(data.length, 20)
    central.writeUInt32LE(size, 24)
    central.writeUInt16LE(name.length, 28)
    central.writeUInt32LE((mode << 16) >>> 0, 38)
    central.writeUInt32LE(offset, 42)
    files.push(local, bytes(name), data)
    directory.push(central, bytes(name))
    offset += 30 + name.length + data.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...files, index, end])
}

function tar(members: { name: string; link?: string }[]): Buffer {
  const headers = members.map(({ name, link }) => {
    const header = Buffer.alloc(512)
    header.write(name, 0)
    header.write('00000000000', 124)
    header.write(link === undefined ? '0' : '2', 156)
    header.write(link ?? '', 157)
    header.write('ustar', 257)
    header.write('        ', 148)
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
    return header
  })
  return Buffer.concat([...headers, Buffer.alloc(1024)])
}

test('a pickle tells what it would import and whether it calls it, in every protocol', async () => {
  for (const evil of [evilText, evilBinary]) {
    assert.deepEqual(await read(evil), {
      imports: [{ module: 'posix', name: 'system' }],
      calls: true,
      opaqueFrom: undefined,
    })
    const oneByOne = [...evil].map((byte) => Buffer.from([byte]))
    assert.deepEqual(await read(...oneByOne), await read(evil))
  }
  assert.deepEqual(await read(harmless), { imports: [], calls: false, opaqueFrom: undefined })
})

test('names that come by the memo, behind what is thrown away, or in a second pickle are found', async () => {
  const byMemo = Buffer.concat([bytes('\x80\x04'), short('system'), short('posix'), bytes('h\x01h\x00\x93.')])
  assert.deepEqual((await read(byMemo)).imports, [{ module: 'posix', name: 'system' }])
  const thrown = Buffer.concat([bytes('\x80\x04'), short('posix'), bytes('K\x010'), short('system'), bytes('\x93.')])
  assert.deepEqual((await read(thrown)).imports, [{ module: 'posix', name: 'system' }])
  assert.deepEqual((await read(harmless, evilBinary)).imports, [{ module: 'posix', name: 'system' }])
})

test('names behind bytes that cannot be followed are searched for, and it is said where that began', async () => {
  const array = Buffer.alloc(1000, 0xff)
  const report = await read(bytes('\x80\x04}'), array, evilText)
  assert.deepEqual(report.imports, [{ module: 'posix', name: 'system' }])
  assert.equal(report.opaqueFrom, 3)
})

test('whatever the bytes are, reading them ends and never throws', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (random) => {
      await read(Buffer.from([0x80, 4]), Buffer.from(random))
      await read(Buffer.from(random))
    }),
    { numRuns: 300 },
  )
})

test('a large text or array in a pickle is stepped over, not held', async () => {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(64n * 1024n * 1024n)
  const chunk = Buffer.alloc(1024 * 1024)
  const chunks = [bytes('\x80\x04\x8e'), length, ...Array.from({ length: 64 }, () => chunk), evilBinary.subarray(2)]
  assert.deepEqual((await read(...chunks)).imports, [{ module: 'posix', name: 'system' }])
})

test('pickles are found in a plain file, packed, and inside the archive that torch writes', async (t) => {
  const found = 'dangerous_import danger posix.system'
  for (const [name, content] of [
    ['model.pkl', evilText],
    ['model.dat', evilBinary],
    ['model.joblib', deflateSync(evilBinary)],
    ['model.pkl.gz', gzipSync(evilBinary)],
    ['model.pt', zip([{ name: 'archive/data.pkl', content: evilBinary }])],
    ['model.pt', zip([{ name: 'archive/data.pkl', content: evilBinary, packed: true }])],
  ] as const)
    assert.ok((await scan(t, name, content)).includes(found), name)
  assert.deepEqual(await scan(t, 'data.pkl', harmless), ['pickle info A pickle: plain data.'])
  assert.deepEqual(await scan(t, 'model.onnx', bytes('\x08\x07\x12\x04test')), [])
})

test('what a model of a usual library imports is no warning, what nobody knows is, and cloudpickle carries code', async (t) => {
  const naming = (module: string, name: string) =>
    Buffer.concat([bytes('\x80\x04'), short(module), short(name), bytes('\x93)R.')])
  const findings = async (module: string, name: string) => (await scan(t, 'm.pkl', naming(module, name))).slice(1)
  assert.deepEqual(await findings('sklearn.linear_model._base', 'LinearRegression'), [])
  assert.deepEqual(await findings('builtins', 'dict'), [])
  assert.deepEqual(await findings('builtins', 'eval'), ['dangerous_import danger builtins.eval'])
  assert.deepEqual(await findings('subprocess', 'Popen'), ['dangerous_import danger subprocess.Popen'])
  assert.deepEqual(await findings('acme.secret', 'Model'), ['unknown_import warning acme.secret.Model'])
  assert.deepEqual(await findings('cloudpickle.cloudpickle', '_make_function'), [
    'code warning cloudpickle.cloudpickle._make_function',
  ])
})

test('archives that write outside, link outside or burst are named', async (t) => {
  const outside = await scan(t, 'm.zip', zip([{ name: '../../etc/cron.d/x' }, { name: '/abs' }, { name: 'fine' }]))
  assert.deepEqual(outside, ['traversal danger It holds "../../etc/cron.d/x".', 'traversal danger It holds "/abs".'])
  const link = await scan(t, 'm.zip', zip([{ name: 'link', mode: 0o120777 }]))
  assert.match(link[0] ?? '', /^link danger/)
  const bomb = await scan(t, 'm.zip', zip([{ name: 'zeros', content: Buffer.alloc(100), size: 3_000_000_000 }]))
  assert.match(bomb[0] ?? '', /^bomb danger/)
  for (const pack of [(content: Buffer) => content, gzipSync]) {
    const found = await scan(
      t,
      'm.tar',
      pack(tar([{ name: '../x' }, { name: 'l', link: '/etc/passwd' }, { name: 'ok' }])),
    )
    assert.deepEqual(found, ['traversal danger It holds "../x".', 'link danger "l" is a link to "/etc/passwd".'])
  }
  assert.match((await scan(t, 'm.zip', bytes('PK\x03\x04 and nothing')))[0] ?? '', /^unreadable/)
})

test('a loader that is not of MLflow, and code that comes along, are told', async (t) => {
  const described = 'flavors:\n  python_function:\n    loader_module: acme.loader\n    code: code\n'
  assert.deepEqual(await scan(t, 'MLmodel', bytes(described)), [
    'loader_module warning Loading it imports "acme.loader".',
    'code warning It brings code in "code".',
  ])
  const own = await scan(t, 'MLmodel', bytes('flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n'))
  assert.deepEqual(own, ['loader_module info Loading it imports "mlflow.sklearn".'])
  assert.match((await scan(t, 'MLmodel', bytes('a: [')))[0] ?? '', /^unreadable/)
})

async function artifactOf(ctx: Context, content: Buffer): Promise<string> {
  const { digest, size } = await ctx.blobs.put(content)
  return (await artifacts.create(ctx, { files: [{ path: 'model.pkl', digest, size }] })).digest
}

test('the report is part of the version', async (t) => {
  const ctx = await testContext(t)
  await registry.createModel(ctx, { name: 'm' })
  const artifact = await artifactOf(ctx, evilBinary)
  const { version } = await registry.registerVersion(ctx, { model: 'm', flavor: 'mlflow', uri: 'x:/y', artifact })
  const { scan } = await registry.getVersion(ctx, { model: 'm', version })
  assert.equal(scan?.state, 'danger')
  assert.deepEqual(
    scan?.findings.map(({ kind, file }) => [kind, file]),
    [
      ['dangerous_import', 'model.pkl'],
      ['pickle', 'model.pkl'],
    ],
  )
})

test('a policy refuses what it names, takes no number, and is itself checked', async (t) => {
  const ctx = await testContext(t, { settings: { refuse: 'dangerous_import' } })
  await registry.createModel(ctx, { name: 'm' })
  const evil = { model: 'm', flavor: 'mlflow', uri: 'x:/y', artifact: await artifactOf(ctx, evilBinary) } as const
  await assert.rejects(
    registry.registerVersion(ctx, evil),
    (error) => error instanceof AppError && error.code === 'refused_by_policy' && /posix\.system/.test(error.message),
  )
  const fine = { ...evil, artifact: await artifactOf(ctx, harmless) }
  assert.equal((await registry.registerVersion(ctx, fine)).version, 1)
  const wrong = await testContext(t, { settings: { refuse: 'dangerous' } })
  await registry.createModel(wrong, { name: 'm' })
  const again = { ...evil, artifact: await artifactOf(wrong, harmless) }
  await assert.rejects(registry.registerVersion(wrong, again), /"dangerous", which no scan finds/)
})
