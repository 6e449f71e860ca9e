/** A name that unpickling would look up and could call. */
export type Import = { module: string; name: string }

export type PickleReport = {
  imports: Import[]
  /** It calls what it imports, as nearly every pickle of an object does. */
  calls: boolean
  /** Where it stopped being a pickle that can be followed; what comes after was searched for names only. */
  opaqueFrom: number | undefined
}

type Argument = { take: number } | { skip: number } | { line: true } | { rest: true }
const mark = Symbol('mark')
type Value = string | typeof mark | undefined

const maxTextLength = 1024
const maxImports = 1_000

/** Bytes that follow each opcode: a count, the size of a length that counts the rest, or one line of text. */
const fixed = new Map([
  [0x4a, 4], // BININT
  [0x4b, 1], // BININT1
  [0x4d, 2], // BININT2
  [0x47, 8], // BINFLOAT
  [0x80, 1], // PROTO
  [0x82, 1], // EXT1
  [0x83, 2], // EXT2
  [0x84, 4], // EXT4
  [0x95, 8], // FRAME
])
const counted = new Map([
  [0x54, 4], // BINSTRING
  [0x55, 1], // SHORT_BINSTRING
  [0x58, 4], // BINUNICODE
  [0x42, 4], // BINBYTES
  [0x43, 1], // SHORT_BINBYTES
  [0x8a, 1], // LONG1
  [0x8b, 4], // LONG4
  [0x8c, 1], // SHORT_BINUNICODE
  [0x8d, 8], // BINUNICODE8
  [0x8e, 8], // BINBYTES8
  [0x96, 8], // BYTEARRAY8
])
const texts = new Set([0x53, 0x56, 0x54, 0x55, 0x58, 0x8c, 0x8d])
const lines = codes('FILSVP')
const pushes = new Set([
  ...codes('FIJKLMNPSTUVXGBC]})'),
  ...[0x8c, 0x8d, 0x8e, 0x96, 0x97, 0x88, 0x89, 0x8a, 0x8b, 0x8f],
])
const extensions = new Set([0x82, 0x83, 0x84])
/** What an opcode takes from the stack before it pushes one value, or none. */
const replaces = new Map([
  [0x85, 1],
  [0x86, 2],
  [0x87, 3],
  [0x52, 2], // REDUCE
  [0x81, 2], // NEWOBJ
  [0x92, 3], // NEWOBJ_EX
  [0x51, 1], // BINPERSID
])
const drops = new Map([
  [0x62, 1], // BUILD
  [0x61, 1], // APPEND
  [0x73, 2], // SETITEM
  [0x30, 1], // POP
])
const toMark = codes('dlto')
const toMarkOnly = new Set([...codes('1eu'), 0x90])
const calling = new Set([0x52, 0x81, 0x92, 0x6f, 0x69, 0x62])

function codes(text: string): Set<number> {
  return new Set([...text].map((letter) => letter.charCodeAt(0)))
}

/** Follows the opcodes of a pickle without doing what they say. The stack holds texts only: names come from there. */
function* follow(): Generator<Argument, PickleReport, Buffer | undefined> {
  const imports = new Map<string, Import>()
  let stack: Value[] = []
  let memo = new Map<number, Value>()
  let calls = false
  let position = 0
  let started = 0

  const found = (module: Value, name: Value) => {
    const one = { module: typeof module === 'string' ? module : '?', name: typeof name === 'string' ? name : '?' }
    if (imports.size < maxImports) imports.set(`${one.module}\n${one.name}`, one)
  }
  const popToMark = () => {
    while (stack.length > 0 && stack.pop() !== mark);
  }
  const report = (opaqueFrom?: number): PickleReport => ({ imports: [...imports.values()], calls, opaqueFrom })

  function* take(count: number): Generator<Argument, Buffer | undefined, Buffer | undefined> {
    position += count
    return yield { take: count }
  }
  function* line(): Generator<Argument, string | undefined, Buffer | undefined> {
    const bytes = yield { line: true }
    position += (bytes?.length ?? 0) + 1
    return bytes?.toString('utf8')
  }
  function* opaque(): Generator<Argument, PickleReport, Buffer | undefined> {
    const from = position
    for (;;) {
      const bytes = yield { rest: true }
      if (!bytes) return report(from)
      for (const one of namesIn(bytes)) found(one.module, one.name)
    }
  }

  for (;;) {
    const head = yield* take(1)
    const code = head?.[0]
    if (code === undefined) return position - 1 === started ? report() : report(position)
    if (calling.has(code)) calls = true
    if (code === 0x2e) {
      stack = []
      memo = new Map()
      started = position
      const next = yield* take(1)
      if (next === undefined) return report()
      if (next[0] !== 0x80) return yield* opaque()
      if ((yield* take(1)) === undefined) return report(position)
      continue
    }
    if (code === 0x28) stack.push(mark)
    else if (code === 0x63 || code === 0x69) {
      const module = yield* line()
      const name = yield* line()
      if (name === undefined) return yield* opaque()
      found(module, name)
      if (code === 0x69) popToMark()
      stack.push(undefined)
    } else if (code === 0x93) {
      const name = stack.pop()
      found(stack.pop(), name)
      stack.push(undefined)
    } else if (code === 0x94) memo.set(memo.size, stack.at(-1))
    else if (code === 0x32) stack.push(stack.at(-1))
    else if (code === 0x70 || code === 0x67) {
      const index = Number(yield* line())
      if (code === 0x70) memo.set(index, stack.at(-1))
      else stack.push(memo.get(index))
    } else if (code === 0x71 || code === 0x72 || code === 0x68 || code === 0x6a) {
      const bytes = yield* take(code === 0x71 || code === 0x68 ? 1 : 4)
      if (!bytes) return report(position)
      const index = bytes.length === 1 ? bytes.readUInt8() : bytes.readUInt32LE()
      if (code === 0x71 || code === 0x72) memo.set(index, stack.at(-1))
      else stack.push(memo.get(index))
    } else if (counted.has(code)) {
      const width = counted.get(code) ?? 0
      const bytes = yield* take(width)
      if (!bytes) return report(position)
      const length = width === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUIntLE(0, width)
      if (texts.has(code) && length <= maxTextLength) stack.push((yield* take(length))?.toString('utf8'))
      else {
        position += length
        yield { skip: length }
        stack.push(undefined)
      }
    } else if (lines.has(code)) {
      const text = yield* line()
      stack.push(texts.has(code) ? text?.replace(/^(['"])(.*)\1$/, '$2') : undefined)
    } else if (fixed.has(code)) {
      yield* take(fixed.get(code) ?? 0)
      if (extensions.has(code)) found('copyreg extension', undefined)
      if (pushes.has(code) || extensions.has(code)) stack.push(undefined)
    } else if (pushes.has(code)) stack.push(undefined)
    else if (replaces.has(code)) {
      stack.length = Math.max(0, stack.length - (replaces.get(code) ?? 0))
      stack.push(undefined)
    } else if (drops.has(code)) stack.length = Math.max(0, stack.length - (drops.get(code) ?? 0))
    else if (toMark.has(code) || code === 0x91) {
      popToMark()
      stack.push(undefined)
    } else if (toMarkOnly.has(code)) popToMark()
    else if (code !== 0x98) {
      position -= 1
      return yield* opaque()
    }
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

/** Reads a pickle of any size from a stream in constant memory, and never unpickles. */
export async function readPickle(stream: AsyncIterable<Buffer>): Promise<PickleReport> {
  const walk = follow()
  const chunks = stream[Symbol.asyncIterator]()
  let buffer: Buffer = Buffer.alloc(0)
  let ended = false

  async function more(): Promise<boolean> {
    const { value, done } = await chunks.next()
    if (done) ended = true
    else buffer = buffer.length === 0 ? value : Buffer.concat([buffer, value])
    return !done
  }
  async function answer(ask: Argument): Promise<Buffer | undefined> {
    if ('take' in ask) {
      while (buffer.length < ask.take && !ended) await more()
      if (buffer.length < ask.take) return undefined
      const taken = buffer.subarray(0, ask.take)
      buffer = buffer.subarray(ask.take)
      return taken
    }
    if ('skip' in ask) {
      let left = ask.skip
      while (left > buffer.length && !ended) {
        left -= buffer.length
        buffer = Buffer.alloc(0)
        await more()
      }
      buffer = buffer.subarray(left)
      return undefined
    }
    if ('rest' in ask) {
      if (buffer.length === 0 && !(await more())) return undefined
      const rest = buffer
      buffer = Buffer.alloc(0)
      return rest
    }
    let end = buffer.indexOf(0x0a)
    while (end < 0 && buffer.length < 65_536 && (await more())) end = buffer.indexOf(0x0a)
    if (end < 0) return undefined
    const text = buffer.subarray(0, end)
    buffer = buffer.subarray(end + 1)
    return text
  }

  let step = walk.next()
  while (!step.done) {
    const asked = step.value
    if ('take' in asked && buffer.length >= asked.take) {
      const taken = buffer.subarray(0, asked.take)
      buffer = buffer.subarray(asked.take)
      step = walk.next(taken)
    } else step = walk.next(await answer(asked))
  }
  return step.value
}
