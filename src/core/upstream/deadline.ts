/** When a call has to end, whoever wants it to: its time is over, or its caller has gone. */
export type Deadline = {
  passed(): boolean
  /** Runs when it passes, unless it is cleared before; the last one given counts. */
  whenPassed(run: () => void): void
  clear(): void
}

/** A timer of its own, which goes with the call: signals with a timeout stay until it is over, by the thousands. */
export function startDeadline(milliseconds: number, caller: AbortSignal | undefined): Deadline {
  let passed = caller?.aborted === true
  let then = () => {}
  const pass = () => {
    passed = true
    then()
  }
  const timer = setTimeout(pass, Math.max(1, Math.ceil(milliseconds))).unref()
  caller?.addEventListener('abort', pass, { once: true })
  return {
    passed: () => passed,
    whenPassed(run) {
      then = run
      if (passed) run()
    },
    clear() {
      then = () => {}
      clearTimeout(timer)
      caller?.removeEventListener('abort', pass)
    },
  }
}
