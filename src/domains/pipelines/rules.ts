import type { Static } from 'typebox'
import { invalidInput } from '../../core/errors.ts'
import { canonicalJson, digestOfJson } from '../../core/json/json.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { PipelineFile } from './contract.ts'

export type Definition = Static<typeof PipelineFile>
export type Step = Definition['steps'][number]
export type Params = Record<string, string | number | boolean>

/** Steps in an order in which each comes after all that it needs; a cycle or an unknown name is refused. */
export function inOrder({ steps }: Definition): Step[] {
  const names = steps.map(({ name }) => name)
  const byName = new Map(steps.map((step) => [step.name, step]))
  if (byName.size !== steps.length) {
    const twice = names.find((name, index) => names.indexOf(name) !== index) ?? ''
    throw invalidInput(`The step "${twice}" is defined twice.`, { name: twice })
  }
  const ordered: Step[] = []
  const state = new Map<string, 'open' | 'done'>()

  function visit(name: string, neededBy: string): void {
    const step = byName.get(name)
    if (!step)
      throw invalidInput(`The step "${neededBy}" needs "${name}", which is not a step.`, {
        name,
        hint: didYouMean(name, names),
      })
    if (state.get(name) === 'done') return
    if (state.get(name) === 'open')
      throw invalidInput(`The step "${name}" needs itself, through "${neededBy}".`, { name })
    state.set(name, 'open')
    for (const need of step.needs ?? []) visit(need, name)
    state.set(name, 'done')
    ordered.push(step)
  }

  for (const name of names) visit(name, name)
  return ordered
}

/** The params of a run: the file's, overridden by the caller's; an unknown one or another type is refused. */
export function resolveParams(definition: Definition, given: Record<string, unknown>): Params {
  const declared = definition.params ?? {}
  const known = Object.keys(declared)
  const resolved: Params = { ...declared }
  for (const [name, value] of Object.entries(given)) {
    const example = declared[name]
    if (example === undefined) {
      throw invalidInput(`"${definition.pipeline}" has no param "${name}".`, {
        name,
        hint: didYouMean(name, known) ?? `Params: ${known.join(', ') || 'none'}.`,
      })
    }
    if (typeof value !== typeof example) {
      throw invalidInput(`The param "${name}" must be a ${typeof example}.`, { name })
    }
    resolved[name] = value as string | number | boolean
  }
  return resolved
}

/** Everything that decides a step's result. Threads, retries and timeouts are not in it. */
export type KeyParts = {
  /** 2: holds all that a step can see; `machine` is absent in keys of before. */
  v: 1 | 2
  run: string
  code: string
  inputs: Record<string, string | null>
  params: Params
  env: Record<string, string>
  sources: Record<string, number>
  runtime: string
  /** What it sees of the server's environment. */
  machine?: Record<string, string>
}

export function cacheKey(parts: KeyParts): string {
  return digestOfJson(parts)
}

/** Which components of a key changed, with their values before and now. */
export function keyDifferences(
  before: KeyParts,
  now: KeyParts,
): { component: string; before: unknown; now: unknown }[] {
  const flat = (parts: KeyParts): Record<string, unknown> => ({
    run: parts.run,
    code: parts.code,
    runtime: parts.runtime,
    ...prefixed('inputs', parts.inputs),
    ...prefixed('params', parts.params),
    ...prefixed('env', parts.env),
    ...prefixed('sources', parts.sources),
    ...prefixed('machine', parts.machine ?? {}),
  })
  const [a, b] = [flat(before), flat(now)]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((component) => canonicalJson(a[component] ?? null) !== canonicalJson(b[component] ?? null))
    .map((component) => ({ component, before: a[component] ?? null, now: b[component] ?? null }))
}

function prefixed(prefix: string, values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]))
}

/** sysexits: 75 asks for another try, 64 to 78 otherwise say that trying again is useless. */
export function mayRetry(exitCode: number | null, attempts: number, retries: number): boolean {
  if (exitCode === 75) return attempts <= Math.max(retries, 1)
  if (exitCode !== null && exitCode >= 64 && exitCode <= 78) return false
  return attempts <= retries
}

/** How many of these bytes of UTF-8 are whole characters: the last one may not have been read, or written, to its end. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    const continues = byte >= 0x80 && byte < 0xc0
    if (continues) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}
