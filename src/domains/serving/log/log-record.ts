import type { Label } from '../../evaluation/evaluation.ts'
import type { AnswerMark } from '../../registry/registry.ts'

export type Arm = 'live' | 'canary' | 'shadow'
export type Bad = 'error' | 'slow' | 'invalid'
type Value = number | string | null
export type Tokens = { input: number; output: number }

/** One answer of one release, as the prediction log keeps it. */
export type LogRecord = {
  id: string
  endpoint: string
  at: string
  unit: string
  release: string
  version: number
  arm: Arm
  inputs: Record<string, Value>
  output: Value
  bad: Bad | null
  /** What is to be said of the answer. */
  marks: AnswerMark[]
  latencyMs: number
  /** It answered for a release that could not. */
  fallback: boolean
  /** Kept although the sample would not have: it says what happened, but must not be counted as typical. */
  forced: boolean
  traceId: string | null
  /** Feature -> since when its value could be known (epoch milliseconds). */
  knownAt: Record<string, number> | null
  /** In the price table's currency. */
  cost: number | null
  tokens: Tokens | null
  /** Of a stream: from the question to the first piece of text. */
  firstTokenMs: number | null
}

export type LoggedPrediction = LogRecord & { label: Label | null; labelKnownAt: string | null }

/** Columns of a segment, as they are read from lines of JSON; what is nested is kept as its text. What came later is null in older ones. */
export const columnTypes: Record<keyof LogRecord, string> = {
  id: 'varchar',
  endpoint: 'varchar',
  at: 'varchar',
  unit: 'varchar',
  release: 'varchar',
  version: 'bigint',
  arm: 'varchar',
  inputs: 'json',
  output: 'json',
  bad: 'varchar',
  marks: 'json',
  latencyMs: 'double',
  fallback: 'boolean',
  forced: 'boolean',
  traceId: 'varchar',
  knownAt: 'json',
  cost: 'double',
  tokens: 'json',
  firstTokenMs: 'double',
}

/** JSON writes half a surrogate pair as an escape that readers of JSON refuse: one such text would stop the whole log. */
const halfPair = /(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g

export function toLine(logged: LogRecord): string {
  const line = JSON.stringify(logged)
  return line.includes('\\ud') ? line.replace(halfPair, '\\ufffd') : line
}

export function fromRow(row: Record<string, unknown>): LogRecord {
  const text = (name: keyof LogRecord) => (row[name] === null || row[name] === undefined ? null : String(row[name]))
  const number = (name: keyof LogRecord) => (text(name) === null ? null : Number(row[name]))
  const json = <T>(name: keyof LogRecord) => {
    const found = text(name)
    return found === null ? null : (JSON.parse(found) as T)
  }
  return {
    id: String(row['id']),
    endpoint: String(row['endpoint']),
    at: String(row['at']),
    unit: String(row['unit']),
    release: String(row['release']),
    version: Number(row['version']),
    arm: row['arm'] as Arm,
    inputs: json<LogRecord['inputs']>('inputs') ?? {},
    output: json<Value>('output'),
    bad: row['bad'] as Bad | null,
    marks: json<AnswerMark[]>('marks') ?? marksOfOlder(row),
    latencyMs: Number(row['latencyMs']),
    fallback: row['fallback'] === true,
    forced: row['forced'] === true,
    traceId: text('traceId'),
    knownAt: json<Record<string, number>>('knownAt'),
    cost: number('cost'),
    tokens: json<Tokens>('tokens'),
    firstTokenMs: number('firstTokenMs'),
  }
}

/** Segments without marks know of stand-ins only. */
function marksOfOlder(row: Record<string, unknown>): AnswerMark[] {
  return row['fallback'] === true ? ['stand_in'] : []
}
