/** How the argument of an opcode is written: so many bytes, a length before the bytes, or lines of text. */
const argumentForms = {
  uint1: { bytes: 1 },
  uint2: { bytes: 2 },
  int4: { bytes: 4 },
  uint4: { bytes: 4 },
  uint8: { bytes: 8 },
  float8: { bytes: 8 },
  long1: { length: 1 },
  long4: { length: 4 },
  bytes1: { length: 1 },
  bytes4: { length: 4 },
  bytes8: { length: 8 },
  bytearray8: { length: 8 },
  string1: { length: 1, text: 'plain' },
  string4: { length: 4, text: 'plain' },
  unicodestring1: { length: 1, text: 'plain' },
  unicodestring4: { length: 4, text: 'plain' },
  unicodestring8: { length: 8, text: 'plain' },
  decimalnl_short: { lines: 1 },
  decimalnl_long: { lines: 1 },
  floatnl: { lines: 1 },
  stringnl: { lines: 1, text: 'quoted' },
  unicodestringnl: { lines: 1, text: 'unicode' },
  stringnl_noescape: { lines: 1 },
  stringnl_noescape_pair: { lines: 2 },
} as const satisfies Record<string, ArgumentForm>

export type ArgumentForm =
  | { bytes: number }
  | { length: number; text?: 'plain' }
  | { lines: number; text?: 'quoted' | 'unicode' }

export type Opcode = {
  code: string
  name: string
  argument?: keyof typeof argumentForms
  /** Values taken from the stack, or all down to the last mark and the mark itself. What an opcode changes in place stays. */
  pops: number | 'mark'
  pushes: number
  memo?: 'get' | 'put'
  /** Where the name that it looks up comes from: its argument, the stack, or a registry of the process that loads it. */
  imports?: 'names' | 'stack' | 'extension'
  calls?: true
}

/** Every opcode of the protocols 0 to 5, in the order of `pickletools.opcodes` of Python. */
export const opcodes: Opcode[] = [
  { code: 'I', name: 'INT', argument: 'decimalnl_short', pops: 0, pushes: 1 },
  { code: 'J', name: 'BININT', argument: 'int4', pops: 0, pushes: 1 },
  { code: 'K', name: 'BININT1', argument: 'uint1', pops: 0, pushes: 1 },
  { code: 'M', name: 'BININT2', argument: 'uint2', pops: 0, pushes: 1 },
  { code: 'L', name: 'LONG', argument: 'decimalnl_long', pops: 0, pushes: 1 },
  { code: '\x8a', name: 'LONG1', argument: 'long1', pops: 0, pushes: 1 },
  { code: '\x8b', name: 'LONG4', argument: 'long4', pops: 0, pushes: 1 },
  { code: 'S', name: 'STRING', argument: 'stringnl', pops: 0, pushes: 1 },
  { code: 'T', name: 'BINSTRING', argument: 'string4', pops: 0, pushes: 1 },
  { code: 'U', name: 'SHORT_BINSTRING', argument: 'string1', pops: 0, pushes: 1 },
  { code: 'B', name: 'BINBYTES', argument: 'bytes4', pops: 0, pushes: 1 },
  { code: 'C', name: 'SHORT_BINBYTES', argument: 'bytes1', pops: 0, pushes: 1 },
  { code: '\x8e', name: 'BINBYTES8', argument: 'bytes8', pops: 0, pushes: 1 },
  { code: '\x96', name: 'BYTEARRAY8', argument: 'bytearray8', pops: 0, pushes: 1 },
  { code: '\x97', name: 'NEXT_BUFFER', pops: 0, pushes: 1 },
  { code: '\x98', name: 'READONLY_BUFFER', pops: 0, pushes: 0 },
  { code: 'N', name: 'NONE', pops: 0, pushes: 1 },
  { code: '\x88', name: 'NEWTRUE', pops: 0, pushes: 1 },
  { code: '\x89', name: 'NEWFALSE', pops: 0, pushes: 1 },
  { code: 'V', name: 'UNICODE', argument: 'unicodestringnl', pops: 0, pushes: 1 },
  { code: '\x8c', name: 'SHORT_BINUNICODE', argument: 'unicodestring1', pops: 0, pushes: 1 },
  { code: 'X', name: 'BINUNICODE', argument: 'unicodestring4', pops: 0, pushes: 1 },
  { code: '\x8d', name: 'BINUNICODE8', argument: 'unicodestring8', pops: 0, pushes: 1 },
  { code: 'F', name: 'FLOAT', argument: 'floatnl', pops: 0, pushes: 1 },
  { code: 'G', name: 'BINFLOAT', argument: 'float8', pops: 0, pushes: 1 },
  { code: ']', name: 'EMPTY_LIST', pops: 0, pushes: 1 },
  { code: 'a', name: 'APPEND', pops: 1, pushes: 0 },
  { code: 'e', name: 'APPENDS', pops: 'mark', pushes: 0 },
  { code: 'l', name: 'LIST', pops: 'mark', pushes: 1 },
  { code: ')', name: 'EMPTY_TUPLE', pops: 0, pushes: 1 },
  { code: 't', name: 'TUPLE', pops: 'mark', pushes: 1 },
  { code: '\x85', name: 'TUPLE1', pops: 1, pushes: 1 },
  { code: '\x86', name: 'TUPLE2', pops: 2, pushes: 1 },
  { code: '\x87', name: 'TUPLE3', pops: 3, pushes: 1 },
  { code: '}', name: 'EMPTY_DICT', pops: 0, pushes: 1 },
  { code: 'd', name: 'DICT', pops: 'mark', pushes: 1 },
  { code: 's', name: 'SETITEM', pops: 2, pushes: 0 },
  { code: 'u', name: 'SETITEMS', pops: 'mark', pushes: 0 },
  { code: '\x8f', name: 'EMPTY_SET', pops: 0, pushes: 1 },
  { code: '\x90', name: 'ADDITEMS', pops: 'mark', pushes: 0 },
  { code: '\x91', name: 'FROZENSET', pops: 'mark', pushes: 1 },
  { code: '0', name: 'POP', pops: 1, pushes: 0 },
  { code: '2', name: 'DUP', pops: 0, pushes: 1 },
  { code: '(', name: 'MARK', pops: 0, pushes: 1 },
  { code: '1', name: 'POP_MARK', pops: 'mark', pushes: 0 },
  { code: 'g', name: 'GET', argument: 'decimalnl_short', pops: 0, pushes: 1, memo: 'get' },
  { code: 'h', name: 'BINGET', argument: 'uint1', pops: 0, pushes: 1, memo: 'get' },
  { code: 'j', name: 'LONG_BINGET', argument: 'uint4', pops: 0, pushes: 1, memo: 'get' },
  { code: 'p', name: 'PUT', argument: 'decimalnl_short', pops: 0, pushes: 0, memo: 'put' },
  { code: 'q', name: 'BINPUT', argument: 'uint1', pops: 0, pushes: 0, memo: 'put' },
  { code: 'r', name: 'LONG_BINPUT', argument: 'uint4', pops: 0, pushes: 0, memo: 'put' },
  { code: '\x94', name: 'MEMOIZE', pops: 0, pushes: 0, memo: 'put' },
  { code: '\x82', name: 'EXT1', argument: 'uint1', pops: 0, pushes: 1, imports: 'extension' },
  { code: '\x83', name: 'EXT2', argument: 'uint2', pops: 0, pushes: 1, imports: 'extension' },
  { code: '\x84', name: 'EXT4', argument: 'int4', pops: 0, pushes: 1, imports: 'extension' },
  { code: 'c', name: 'GLOBAL', argument: 'stringnl_noescape_pair', pops: 0, pushes: 1, imports: 'names' },
  { code: '\x93', name: 'STACK_GLOBAL', pops: 2, pushes: 1, imports: 'stack' },
  { code: 'R', name: 'REDUCE', pops: 2, pushes: 1, calls: true },
  { code: 'b', name: 'BUILD', pops: 1, pushes: 0, calls: true },
  {
    code: 'i',
    name: 'INST',
    argument: 'stringnl_noescape_pair',
    pops: 'mark',
    pushes: 1,
    imports: 'names',
    calls: true,
  },
  { code: 'o', name: 'OBJ', pops: 'mark', pushes: 1, calls: true },
  { code: '\x81', name: 'NEWOBJ', pops: 2, pushes: 1, calls: true },
  { code: '\x92', name: 'NEWOBJ_EX', pops: 3, pushes: 1, calls: true },
  { code: '\x80', name: 'PROTO', argument: 'uint1', pops: 0, pushes: 0 },
  { code: '.', name: 'STOP', pops: 1, pushes: 0 },
  { code: '\x95', name: 'FRAME', argument: 'uint8', pops: 0, pushes: 0 },
  { code: 'P', name: 'PERSID', argument: 'stringnl_noescape', pops: 0, pushes: 1 },
  { code: 'Q', name: 'BINPERSID', pops: 1, pushes: 1 },
]

const byCode = new Map(opcodes.map((opcode) => [opcode.code.charCodeAt(0), opcode]))

export function opcodeOf(code: number): Opcode | undefined {
  return byCode.get(code)
}

export function formOf(argument: keyof typeof argumentForms): ArgumentForm {
  return argumentForms[argument]
}
