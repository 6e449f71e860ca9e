import type { Context } from '../../../core/context.ts'
import { AppError, invalidInput } from '../../../core/errors.ts'
import { didYouMean } from '../../../core/suggest.ts'
import * as registry from '../../registry/registry.ts'
import type { Against } from '../../registry/spec/spec.ts'
import { constantOf } from './constant.ts'
import { commandSide, recordedSide } from './given-answers.ts'
import { type Golden, type ModelVersion, requestOf, type Side, versionSide } from './side.ts'

type Opponent = { side: Side; against: string }
type Compared = { candidate: ModelVersion; golden: Golden }

/**
 * What the candidate is compared with: the live version (the constant baseline when nothing is live), the baseline, another
 * version by number or alias, recorded answers in a column of the golden set, or a command. `against` is its name for people.
 */
export async function resolveBaseline(
  ctx: Context,
  { against, candidate, golden }: Compared & { against: Against },
): Promise<Opponent> {
  const { model } = candidate
  if (typeof against !== 'string') {
    const inputs = golden.items.map((item) => requestOf(item, golden.definition))
    const side = commandSide(against, { model, golden, inputs })
    return { side, against: side.name }
  }
  if (against === 'live' || against === 'baseline') return liveOrConstant(ctx, against, { candidate, golden })
  if (against === 'command') return resolveBaseline(ctx, { against: commandOf(golden), candidate, golden })
  const [kind, name] = split(against)
  if (kind === 'golden') {
    const side = recordedSide(name, { model, golden, inputs: golden.items.map(() => ({})) })
    return { side, against: side.name }
  }
  const version =
    kind === 'alias' ? await versionOf(ctx, model, name) : Number(/^v?([0-9]{1,15})$/.exec(against)?.[1] ?? Number.NaN)
  if (!Number.isInteger(version)) throw unknownWord(against)
  if (version === 0) return liveOrConstant(ctx, 'baseline', { candidate, golden })
  const side = await versionSide(ctx, await registry.getVersion(ctx, { model, version }), golden)
  return { side, against: kind === 'alias' ? `${against} (${side.name})` : side.name }
}

function split(against: string): [string, string] {
  const at = against.indexOf('.')
  return at < 0 ? ['', against] : [against.slice(0, at), against.slice(at + 1)]
}

function unknownWord(against: string): AppError {
  const words = 'live, baseline, a version such as v3, alias.<alias>, golden.<column> or command'
  const hint = [didYouMean(against, ['live', 'baseline', 'command']), `Use ${words}.`].filter(Boolean).join(' ')
  return invalidInput(`"${against}" is nothing to compare with.`, { name: against, hint })
}

function commandOf({ spec }: Golden): Exclude<Against, string> {
  const { against } = spec.success.quality
  if (typeof against !== 'string') return against
  throw invalidInput(`The spec of "${spec.model}" names no command to compare with.`, {
    name: 'command',
    hint: `Write "against: { command: [...] }" under success.quality in models/${spec.model}.yaml.`,
  })
}

async function versionOf(ctx: Context, model: string, alias: string): Promise<number> {
  const { aliases } = await registry.getModel(ctx, { model })
  const found = Object.hasOwn(aliases, alias) ? aliases[alias] : undefined
  if (found !== undefined) return found
  const known = Object.keys(aliases).sort()
  throw invalidInput(`"${model}" has no alias "${alias}" to compare with.`, {
    name: `alias.${alias}`,
    hint: didYouMean(alias, known) ?? `Aliases: ${known.length === 0 ? 'none' : known.join(', ')}.`,
  })
}

async function liveOrConstant(
  ctx: Context,
  against: 'live' | 'baseline',
  { candidate, golden }: Compared,
): Promise<Opponent> {
  const { model } = candidate
  const live = against === 'live' ? (await registry.getModel(ctx, { model })).aliases['live'] : undefined
  if (live !== undefined) {
    const side = await versionSide(ctx, await registry.getVersion(ctx, { model, version: live }), golden)
    return { side, against: `live (v${live})` }
  }
  const side = await baselineSide(ctx, candidate, golden)
  return { side, against: against === 'live' ? `${side.name} (nothing is live)` : side.name }
}

/** Version 0 of every model: a constant, stored at the first release. */
async function baselineSide(ctx: Context, candidate: ModelVersion, golden: Golden): Promise<Side> {
  const found = await constantOf(ctx, candidate, golden)
  if (found === null)
    throw new AppError('refused_by_policy', `"${candidate.model}" has no baseline: its golden set has no items.`, {
      name: candidate.model,
      hint: 'Name what answers without the model under "serves.default" in its spec.',
    })
  const { value } = found
  return {
    model: candidate.model,
    version: 0,
    name: `constant baseline ${typeof value === 'number' ? Number(value.toPrecision(4)) : JSON.stringify(value)}`,
    constant: value,
    prompt: null,
    given: null,
    inputs: golden.items.map(() => ({})),
    asOf: 'request',
    trained: null,
    evidence: { version: 0, constant: value },
  }
}
