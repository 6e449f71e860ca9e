import { performance } from 'node:perf_hooks'
import { colours, type Io } from './io.ts'

export type Progress = {
  /** Shows n of total with rate and time left; nothing in the first 300 ms. */
  update(done: number, total: number, note?: string): void
  end(): void
}

const quietMilliseconds = 300
const repaintMilliseconds = 100
const plainIntervalMilliseconds = 10_000
const width = 24

/** On a terminal a bar that repaints; elsewhere one line per ten seconds or ten percent. Always on stderr. */
export function createProgress(io: Io, title: string): Progress {
  const started = performance.now()
  const terminal = io.stderr.isTTY === true && io.environment['TERM'] !== 'dumb' && !io.environment['CI']
  const colour = colours(io, io.stderr)
  let painted = 0
  let paintedShare = 0
  let visible = false

  function line(done: number, total: number, note: string): string {
    const seconds = (performance.now() - started) / 1000
    const rate = done / Math.max(seconds, 0.001)
    const left = rate > 0 ? Math.max(0, (total - done) / rate) : 0
    return `${title} ${done}/${total}  ${formatRate(rate)}  ${left.toFixed(0)} s left${note ? `  ${note}` : ''}`
  }

  return {
    update(done, total, note = '') {
      const now = performance.now()
      if (now - started < quietMilliseconds) return
      const share = total > 0 ? done / total : 0
      if (terminal) {
        if (now - painted < repaintMilliseconds && done < total) return
        const filled = Math.round(share * width)
        const bar = colour('cyan', '━'.repeat(filled)) + colour('dim', '━'.repeat(width - filled))
        io.stderr.write(`\r\u001b[2K  ${bar} ${line(done, total, note)}`)
        visible = true
      } else {
        if (now - painted < plainIntervalMilliseconds && share - paintedShare < 0.1) return
        io.stderr.write(`  ${line(done, total, note)}\n`)
      }
      painted = now
      paintedShare = share
    },
    end() {
      if (visible) io.stderr.write('\r\u001b[2K')
      visible = false
    },
  }
}

function formatRate(rate: number): string {
  return rate >= 10 ? `${rate.toFixed(0)}/s` : `${rate.toFixed(1)}/s`
}
