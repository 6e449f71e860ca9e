import { invalidInput } from '../../../core/errors.ts'
import type { Provider } from '../spec/spec.ts'

type Json = Record<string, unknown>

/**
 * What the spec sets stands, because it was evaluated: a request for something else is refused. Of two bounds on tokens the
 * smaller holds. What neither spec nor caller said is not sent.
 */
export function withSettings(body: Json, provider: Provider): Json {
  const { model, temperature, seed, max_tokens } = provider
  const { inputs: _inputs, user: _user, max_completion_tokens: _limit, max_tokens: _old, ...plain } = body
  refuseOther(body, 'temperature', temperature)
  refuseOther(body, 'seed', seed)
  const wanted = tokenLimit(body)
  const most = max_tokens === undefined ? wanted : Math.min(max_tokens, wanted ?? max_tokens)
  return {
    ...plain,
    model,
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
    ...(most === undefined ? {} : { [boundName(provider, body)]: most }),
  }
}

/** The name under which the provider reads a bound on tokens: the spec's word, else the caller's. */
export function boundName({ bound }: Provider, body: Json): 'max_tokens' | 'max_completion_tokens' {
  return bound ?? (isGiven(body['max_completion_tokens']) ? 'max_completion_tokens' : 'max_tokens')
}

function refuseOther(body: Json, name: string, set: number | undefined): void {
  const asked = body[name]
  if (set === undefined || !isGiven(asked) || asked === set) return
  throw invalidInput(`"${name}" is ${set} here, because it was evaluated so; the request asks for ${shown(asked)}.`, {
    name,
    hint: `Leave "${name}" out of the request, or out of "serves.provider" in the spec.`,
  })
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 40)
}

/** The caller's limit of generated tokens, under either of its two names. */
export function tokenLimit(body: Json): number | undefined {
  for (const name of ['max_completion_tokens', 'max_tokens']) {
    const value = body[name]
    if (!isGiven(value)) continue
    if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value
    throw invalidInput(`"${name}" must be a whole number above zero.`, { name })
  }
  return undefined
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
