/** What one answer consumed. */
export type Usage = { cpuMs: number } | { model: string; inputTokens: number; outputTokens: number }

/** Milliseconds and usage of one answer per item, features not included; both lists are paired by item. */
export type Measurements = {
  latencies: { candidate: number[]; baseline: number[] }
  usage: { candidate: Usage[]; baseline: Usage[] }
}
