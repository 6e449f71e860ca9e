import { randomBytes } from 'node:crypto'

/** Where a span belongs: the caller's trace when it sent one, else a new one. */
export type TraceContext = { traceId: string; spanId: string; parentId: string | undefined; sampled: boolean }

const header = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Reads W3C `traceparent`; one that is not valid is ignored, as the standard says. */
export function traceContext(
  traceparent: unknown,
  { ratio, followsParent }: { ratio: number; followsParent: boolean },
): TraceContext {
  const parent = typeof traceparent === 'string' ? parsed(traceparent) : undefined
  const traceId = parent?.traceId ?? randomBytes(16).toString('hex')
  const sampled = parent && followsParent ? parent.sampled : chosen(traceId, ratio)
  return { traceId, spanId: randomBytes(8).toString('hex'), parentId: parent?.spanId, sampled }
}

function parsed(text: string): { traceId: string; spanId: string; sampled: boolean } | undefined {
  const [, version = '', traceId = '', spanId = '', flags = '', more] = header.exec(text.trim()) ?? []
  if (traceId === '' || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  if (version === '00' && more !== undefined) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** By the trace id alone, so that every service of a trace chooses alike. */
function chosen(traceId: string, ratio: number): boolean {
  return ratio >= 1 || Number.parseInt(traceId.slice(-13), 16) / 2 ** 52 < ratio
}
