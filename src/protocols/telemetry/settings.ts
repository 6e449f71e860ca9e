/** What the standard OTEL_* variables say; undefined means that nothing is exported. */
export type TelemetrySettings = {
  traces: string | undefined
  metrics: string | undefined
  headers: Record<string, string>
  resource: Record<string, string>
  gzip: boolean
  /** Share of the requests without a caller's decision that are traced. */
  ratio: number
  /** Whether a caller's decision counts. */
  followsParent: boolean
  tracesEvery: number
  metricsEvery: number
}

type Environment = Record<string, string | undefined>

export function telemetrySettings(environment: Environment): TelemetrySettings {
  const get = (name: string) => environment[`OTEL_${name}`] || undefined
  const off = get('SDK_DISABLED')?.toLowerCase() === 'true'
  const base = get('EXPORTER_OTLP_ENDPOINT')?.replace(/\/+$/, '')
  const endpoint = (signal: 'traces' | 'metrics') => {
    const name = signal.toUpperCase()
    if (off || get(`${name}_EXPORTER`) === 'none') return undefined
    return get(`EXPORTER_OTLP_${name}_ENDPOINT`) ?? (base === undefined ? undefined : `${base}/v1/${signal}`)
  }
  const sampler = get('TRACES_SAMPLER') ?? 'parentbased_always_on'
  return {
    traces: endpoint('traces'),
    metrics: endpoint('metrics'),
    headers: pairs(get('EXPORTER_OTLP_HEADERS')),
    resource: { 'service.name': get('SERVICE_NAME') ?? 'evenkeel', ...pairs(get('RESOURCE_ATTRIBUTES')) },
    gzip: get('EXPORTER_OTLP_COMPRESSION') === 'gzip',
    ratio: sampler.endsWith('always_off') ? 0 : sampler.endsWith('traceidratio') ? share(get('TRACES_SAMPLER_ARG')) : 1,
    followsParent: sampler.startsWith('parentbased_'),
    tracesEvery: milliseconds(get('BSP_SCHEDULE_DELAY'), 5_000),
    metricsEvery: milliseconds(get('METRIC_EXPORT_INTERVAL'), 60_000),
  }
}

/** `a=1,b=2`, percent-encoded as the standard wants. */
function pairs(text = ''): Record<string, string> {
  const entries = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())] as const]
  })
  return Object.fromEntries(entries)
}

function share(text: string | undefined): number {
  const value = Number(text ?? 1)
  return value >= 0 && value <= 1 ? value : 1
}

function milliseconds(text: string | undefined, otherwise: number): number {
  const value = Number(text)
  return Number.isFinite(value) && value >= 100 ? value : otherwise
}
