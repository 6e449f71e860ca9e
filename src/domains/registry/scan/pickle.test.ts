import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { readPickle } from './pickle.ts'
import { opcodes } from './pickle-opcodes.ts'
import { judgePickle } from './rules.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

async function importsOf(...chunks: string[]): Promise<string[]> {
  const { imports } = await readPickle(Readable.from(chunks.map(bytes)))
  return imports.map(({ module, name }) => `${module} ${name}`)
}

const listOpcodes = `
import json, pickletools
def row(o):
    before, after = [x.name for x in o.stack_before], [x.name for x in o.stack_after]
    marked = 'mark' in before
    left = len(after) - (before.index('mark') if marked else len(before))
    return [o.code, o.name, o.arg.name if o.arg else None, marked, left]
print(json.dumps([row(o) for o in pickletools.opcodes]))
`
const python = spawnSync('python3', ['-c', listOpcodes], { encoding: 'utf8' })

test('the table of opcodes is the one of Python itself: code, name, argument, and what it leaves on the stack', {
  skip: python.status === 0 ? false : 'python3 is not on this machine',
}, () => {
  const ours = opcodes.map(({ code, name, argument, pops, pushes }) => {
    const marked = pops === 'mark'
    return [code, name, argument ?? null, marked, pushes - (marked ? 0 : pops)]
  })
  assert.deepEqual(ours, JSON.parse(python.stdout))
})

test('a name that is written with escapes is read as Python reads it', async () => {
  for (const text of ["S'po\\x73ix'\nS'sys\\164em'\n", 'S"po\\163ix"\nVs\\u0079stem\n', 'Vposi\\U00000078\nVsystem\n'])
    assert.deepEqual(await importsOf(`\x80\x04${text}\x93.`), ['posix system'])
})

test('a value that is changed in place stays on the stack, with what is below it', async () => {
  for (const change of ['}b', '(K\x01e', '(K\x01K\x02u', 'K\x01a', 'K\x01K\x02s', '(K\x01\x90'])
    assert.deepEqual(await importsOf(`\x80\x04\x8c\x05posix\x8c\x06system${change}\x93.`), ['posix system'])
})

test('names are found behind the end of a pickle, and where two pieces of the stream meet', async () => {
  assert.deepEqual(await importsOf('\x80\x04N.cposix\nsystem\n.'), ['posix system'])
  assert.deepEqual(await importsOf('\x80\x04\xffcpos', 'ix\nsys', 'tem\n.'), ['posix system'])
})

test('a dotted name is judged by the whole path, whatever module it begins in', () => {
  const severity = (module: string, name: string) =>
    judgePickle('m.pkl', { imports: [{ module, name }], calls: true, opaqueFrom: undefined })[1]?.severity
  for (const name of [
    'os.system',
    '_os.system',
    'x.subprocess.Popen',
    '__builtins__',
    'builtins.eval',
    'torch.hub.load',
  ])
    assert.equal(severity('numpy', name), 'danger', name)
  assert.equal(severity('builtins', 'object.__subclasses__'), 'danger')
  assert.equal(severity('sklearn.tree', 'Tree.Node'), undefined)
  assert.equal(severity('numpy', 'ndarray'), undefined)
})

test('the stream is closed when reading ends before it', async () => {
  const stream = Readable.from([bytes('\x80\x04X'), 'no buffer', bytes('.'), bytes('.')])
  await assert.rejects(readPickle(stream), TypeError)
  assert.equal(stream.destroyed, true)
})
