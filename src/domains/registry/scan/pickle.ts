import { type ByteRequest, walkStream } from './pickle-bytes.ts'
import { type ArgumentForm, formOf, type Opcode, opcodeOf } from './pickle-opcodes.ts'
import { unescapeQuoted, unescapeUnicode } from './pickle-texts.ts'

/** A name that unpickling would look up and could call. */
export type Import = { module: string; name: string }

export type PickleReport = {
  imports: Import[]
  /** It calls what it imports, as nearly every pickle of an object does. */
  calls: boolean
  /** Where it stopped being a pickle that can be followed; what comes after was searched for names only. */
  opaqueFrom: number | undefined
}

const mark = Symbol('mark')
type Value = string | typeof mark | undefined
type Machine = { stack: Value[]; memo: Map<number, Value>; found: (module: Value, name: Value) => void }
type Place = { position: number }
type Walk<Result> = Generator<ByteRequest, Result, Buffer | undefined>

const maxTextLength = 1024
const maxImports = 1_000
const longestNames = 512

/** Reads a pickle of any size from a stream in constant memory, and never unpickles. */
export function readPickle(stream: AsyncIterable<Buffer>): Promise<PickleReport> {
  return walkStream(follow(), stream)
}

/** Follows the opcodes of a pickle without doing what they say. The stack holds texts only: names come from there. */
function* follow(): Walk<PickleReport> {
  const imports = new Map<string, Import>()
  const found = (module: Value, name: Value) => {
    const one = { module: typeof module === 'string' ? module : '?', name: typeof name === 'string' ? name : '?' }
    if (imports.size < maxImports) imports.set(`${one.module}\n${one.name}`, one)
  }
  const place = { position: 0 }
  let machine: Machine = { stack: [], memo: new Map(), found }
  let calls = false
  let started = 0
  const report = (opaqueFrom?: number): PickleReport => ({ imports: [...imports.values()], calls, opaqueFrom })

  for (;;) {
    const from = place.position
    const code = (yield* take(place, 1))?.[0]
    if (code === undefined) return report(from === started ? undefined : place.position)
    const opcode = opcodeOf(code)
    const another = from === started && started > 0
    const given = opcode && !(another && opcode.name !== 'PROTO') ? yield* argumentOf(place, opcode) : 'lost'
    if (opcode?.calls) calls = true
    if (given === 'cut') return report(place.position)
    if (opcode === undefined || given === 'lost') {
      yield* searchNames(code, found)
      return report(from)
    }
    apply(machine, opcode, given)
    if (opcode.name === 'STOP') {
      machine = { stack: [], memo: new Map(), found }
      started = place.position
    }
  }
}

function apply({ stack, memo, found }: Machine, opcode: Opcode, given: Argument): void {
  const top = stack.at(-1)
  const index = opcode.name === 'MEMOIZE' ? memo.size : given.index
  if (opcode.memo === 'put') memo.set(index, top)
  if (opcode.imports === 'names') found(given.texts[0], given.texts[1])
  if (opcode.imports === 'stack') found(stack.at(-2), top)
  if (opcode.imports === 'extension') found('copyreg extension', undefined)
  if (opcode.pops === 'mark') while (stack.length > 0 && stack.pop() !== mark);
  else if (opcode.pops > 0) stack.length = Math.max(0, stack.length - opcode.pops)
  if (opcode.pushes === 0) return
  if (opcode.name === 'MARK') stack.push(mark)
  else if (opcode.name === 'DUP') stack.push(top)
  else stack.push(opcode.memo === 'get' ? memo.get(index) : given.value)
}

/** An argument: a text that may become a name, the lines as they are, and the place in the memo if it is one. */
type Argument = { value: string | undefined; texts: string[]; index: number }
const nothing: Argument = { value: undefined, texts: [], index: Number.NaN }

/** `cut`: the pickle ends within it; `lost`: a line without an end. */
function* argumentOf(place: Place, { argument }: Opcode): Walk<Argument | 'cut' | 'lost'> {
  if (argument === undefined) return nothing
  const form = formOf(argument)
  if ('lines' in form) return yield* linesOf(place, form)
  const bytes = yield* take(place, 'bytes' in form ? form.bytes : form.length)
  if (!bytes) return 'cut'
  const number = bytes.length === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUIntLE(0, bytes.length)
  if ('bytes' in form) return { ...nothing, index: number }
  if (form.text && number <= maxTextLength) return { ...nothing, value: (yield* take(place, number))?.toString('utf8') }
  place.position += number
  yield { skip: number }
  return nothing
}

function* linesOf(place: Place, { lines, text }: Extract<ArgumentForm, { lines: number }>): Walk<Argument | 'lost'> {
  const texts: string[] = []
  while (texts.length < lines) {
    const line = yield { line: true }
    if (!line) return 'lost'
    place.position += line.length + 1
    texts.push(line.toString('utf8'))
  }
  const [first = ''] = texts
  const value = text === undefined ? undefined : text === 'quoted' ? unescapeQuoted(first) : unescapeUnicode(first)
  return { value, texts, index: Number(first.replaceAll('_', '')) }
}

function* take(place: Place, count: number): Walk<Buffer | undefined> {
  place.position += count
  return yield { take: count }
}

/** Searches the rest, from the byte that could not be followed; names that lie across two pieces are found too. */
function* searchNames(code: number, found: Machine['found']): Walk<void> {
  let tail = Buffer.from([code])
  for (;;) {
    const bytes = yield { rest: true }
    if (!bytes) return
    const joined = Buffer.concat([tail, bytes])
    for (const { module, name } of namesIn(joined)) found(module, name)
    tail = joined.subarray(-longestNames)
  }
}

/** Names in bytes that cannot be followed, such as arrays between the opcodes: `c<module>\n<name>\n`, or two short texts and 0x93. */
function namesIn(bytes: Buffer): Import[] {
  const text = bytes.toString('latin1')
  const found: Import[] = []
  for (const match of text.matchAll(/c([A-Za-z_][\w.]{0,200})\n([A-Za-z_][\w.]{0,200})\n/g))
    found.push({ module: match[1] ?? '?', name: match[2] ?? '?' })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: opcodes are what is looked for
  const stacked = /\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})\x94?\x8c[\x01-\xff]([A-Za-z_][\w.]{0,200})\x94?\x93/g
  for (const match of text.matchAll(stacked)) found.push({ module: match[1] ?? '?', name: match[2] ?? '?' })
  return found
}
