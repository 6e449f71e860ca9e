import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context } from '../../core/context.ts'
import type { TelemetrySettings } from './settings.ts'

const compressed = promisify(gzip)
const attempts = 5
const maxWait = 30_000
const timeout = 10_000
/** Only these may be tried again, says the standard. */
const temporary = new Set([429, 502, 503, 504])

/** Sends one batch; what is not taken after five tries is dropped and counted. The address is the administrator's own setting. */
export async function createExporter(ctx: Context, settings: Pick<TelemetrySettings, 'headers' | 'gzip'>) {
  const { Agent, request } = await import('undici')
  const agent = new Agent({ connect: { timeout } })
  const stopping = new AbortController()
  const state = { sent: 0, dropped: 0 }

  async function send(url: string, content: object, items: number): Promise<void> {
    const text = JSON.stringify(content)
    const body = settings.gzip ? await compressed(text) : text
    for (let attempt = 1; ; attempt++) {
      const outcome = await post(url, body)
      if (outcome.taken) {
        state.sent += items
        return
      }
      if (!outcome.again || attempt >= attempts || stopping.signal.aborted) {
        state.dropped += items
        ctx.log.warn({ url: new URL(url).host, items, reason: outcome.reason }, 'telemetry was not taken')
        return
      }
      await pause(Math.min(maxWait, Math.max(outcome.after, 500 * 2 ** attempt * (0.5 + ctx.random() / 2))))
    }
  }

  async function post(url: string, body: string | Buffer) {
    try {
      const reply = await request(url, {
        dispatcher: agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(settings.gzip ? { 'content-encoding': 'gzip' } : {}),
          ...settings.headers,
        },
        body,
        headersTimeout: timeout,
        bodyTimeout: timeout,
      })
      await reply.body.dump()
      const { statusCode: status } = reply
      const after = Number(reply.headers['retry-after'] ?? 0) * 1_000
      return {
        taken: status < 300,
        again: temporary.has(status),
        after: Number.isFinite(after) ? after : 0,
        reason: `status ${status}`,
      }
    } catch (error) {
      return { taken: false, again: true, after: 0, reason: error instanceof Error ? error.message : String(error) }
    }
  }

  function pause(milliseconds: number): Promise<void> {
    if (stopping.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      stopping.signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          resolve()
        },
        { once: true },
      )
    })
  }

  return {
    state,
    send,
    /** Nothing waits any longer; what is on its way ends first. */
    stop: () => stopping.abort(),
    close: () => agent.close(),
  }
}
