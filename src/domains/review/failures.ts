import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { invalidInput, notFound } from '../../core/errors.ts'
import { proportionInterval } from '../../core/stats/intervals.ts'
import { didYouMean } from '../../core/suggest.ts'
import { transaction } from '../../core/transaction.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as registry from '../registry/registry.ts'
import * as serving from '../serving/serving.ts'
import type { review } from './contract.ts'
import { append } from './events.ts'
import * as rules from './rules.ts'
import * as store from './store.ts'

type Operations = typeof review
type FailureGroup = Output<Operations['listFailures']>['items'][number]

/** Root causes, after Papasian and Underwood (OpML 2020) and Humbatova et al. (ICSE 2020). */
const codes = [
  'data.schema',
  'data.missing',
  'data.quality',
  'data.label',
  'data.leakage',
  'data.upstream',
  'drift.covariate',
  'drift.concept',
  'drift.prior',
  'drift.seasonality',
  'train.nondeterminism',
  'train.snapshot',
  'train.hyperparameter',
  'train.bug',
  'skew.code',
  'skew.version',
  'skew.clock',
  'eval.golden_gap',
  'eval.metric',
  'eval.margin',
  'eval.overfit',
  'release.config',
  'release.dependency',
  'release.artifact',
  'release.prompt',
  'release.too_fast',
  'release.overridden',
  'serve.capacity',
  'serve.timeout',
  'serve.dependency',
  'serve.cost',
  'serve.provider',
  'llm.format',
  'llm.hallucination',
  'llm.tool',
  'llm.injection',
  'llm.loop',
  'process.owner',
  'process.alert_ignored',
  'process.runbook',
  'process.rollback_failed',
  'external',
  'unknown',
]

/** Groups are found anew from the log at each look; state and root cause stay with the group. */
export async function listFailures(
  ctx: Context,
  { model, limit = 100 }: Input<Operations['listFailures']>,
): Promise<Output<Operations['listFailures']>> {
  const found = await findGroups(ctx, model)
  await transaction(ctx, async (ctx) => {
    const known = new Map((await store.listGroups(ctx, model)).map((row) => [row.slice_key, row]))
    for (const group of found.groups)
      await store.saveGroup(ctx, toRow(ctx, model, group, found.overall, known.get(group.key)))
  })
  const keys = new Set(found.groups.map(({ key }) => key))
  const rows = (await store.listGroups(ctx, model)).filter((row) => keys.has(row.slice_key))
  const items = rows.map(toGroup).sort((a, b) => b.excess - a.excess)
  return { items: items.slice(0, limit) }
}

async function findGroups(ctx: Context, model: string): Promise<ReturnType<typeof rules.groupFailures>> {
  const { spec } = await registry.getModel(ctx, { model })
  if (!spec) return rules.groupFailures([])
  const answers = await evaluation.answersOf(evaluation.basisOf(spec))
  // Some scorers of texts need no label.
  const labelledOnly = spec.serves.output !== 'text'
  const logged = await serving.readLog(ctx, { endpoint: model, from: '', labelledOnly })
  const rows = logged.filter((row) => row.arm !== 'shadow' && !monitoring.isBuiltIn(model, row))
  const fields = spec.success.slices
  // An answer and the one that stood in for it share an id.
  const answered = rows.flatMap((row, index) => answers.read({ ...row, id: String(index) }) ?? [])
  const cases = answers.judged(answered).flatMap(({ of, wrong }) => {
    const row = rows[Number(of.id)]
    if (!row) return []
    const { id, at, release, inputs } = row
    const slice = Object.fromEntries((fields ?? Object.keys(inputs)).map((field) => [field, inputs[field] ?? null]))
    return [{ id, at, release, wrong, slice }]
  })
  return rules.groupFailures(cases)
}

function toRow(
  ctx: Context,
  model: string,
  group: rules.Group,
  overall: number,
  known: store.FailureGroupRecord | undefined,
): store.FailureGroupRecord {
  return {
    id: known?.id ?? ctx.id('fail'),
    model,
    slice_key: group.key,
    content: { ...group, overall },
    state: known ? (known.state === 'archived' ? 'archived' : 'ongoing') : 'new',
    code: known?.code ?? null,
    should_have_caught: known?.should_have_caught ?? null,
    updated_at: ctx.now().toISOString(),
  }
}

export function codeFailure(
  ctx: Context,
  { failure, code, shouldHaveCaught }: Input<Operations['codeFailure']>,
): Promise<FailureGroup> {
  if (!codes.includes(code))
    throw invalidInput(`"${code}" is not a root cause.`, {
      name: code,
      hint: didYouMean(code, codes) ?? `Use one of: ${codes.join(', ')}.`,
    })
  return transaction(ctx, async (ctx) => {
    const row = await requireGroup(ctx, failure)
    await store.codeGroup(ctx, failure, code, shouldHaveCaught ?? null)
    await append(ctx, 'review.failure_coded', `model/${row.model}`, {
      failure,
      code,
      shouldHaveCaught: shouldHaveCaught ?? null,
    })
    return toGroup(await requireGroup(ctx, failure))
  })
}

const defaultExamples = 5

/** The examples keep what was asked and what happened; the golden set looks features up by itself. */
export async function addToGolden(
  ctx: Context,
  { failure, examples = defaultExamples }: Input<Operations['addToGolden']>,
): Promise<Output<Operations['addToGolden']>> {
  const row = await requireGroup(ctx, failure)
  const group = toGroup(row)
  const spec = await registry.requireSpec(ctx, row.model)
  const { definition } = await evaluation.getGolden(ctx, { golden: spec.golden })
  const items: Record<string, unknown>[] = []
  for (const id of group.examples.slice(0, examples)) {
    const logged = await serving.getPrediction(ctx, { prediction: id })
    if (!fitsGolden(spec.serves.output, logged.label)) continue
    items.push({
      ...logged.inputs,
      [definition.id]: logged.id,
      ...(definition.time ? { [definition.time]: logged.at } : {}),
      [definition.label]: logged.label,
    })
  }
  const set = await evaluation.addGoldenItems(ctx, { golden: spec.golden, items, from: `failure ${failure}` })
  await transaction(ctx, (ctx) =>
    append(ctx, 'review.golden_extended', `model/${row.model}`, { failure, added: items.length, version: set.version }),
  )
  return { golden: set.name, version: set.version, added: items.length }
}

/** Golden items hold one relevance each, and the text that is expected rather than a score. */
function fitsGolden(output: registry.OutputKind, label: unknown): boolean {
  return output === 'text' ? typeof label === 'string' : label !== null && typeof label !== 'object'
}

async function requireGroup(ctx: Context, id: string): Promise<store.FailureGroupRecord> {
  const row = await store.findGroup(ctx, id)
  if (!row) throw notFound('Failure group', id, 'List them with "keel failures <model>".')
  return row
}

function toGroup(row: store.FailureGroupRecord): FailureGroup {
  const { content } = row
  const { lower, upper } = proportionInterval(content.cases, content.exposure)
  return {
    id: row.id,
    model: row.model,
    title: rules.titleOf(content.slice),
    slice: content.slice,
    state: row.state as FailureGroup['state'],
    cases: content.cases,
    exposure: content.exposure,
    errorRate: { value: content.cases / content.exposure, n: content.exposure, lower, upper },
    overallErrorRate: content.overall,
    excess: content.excess,
    firstRelease: content.releases[0] ?? '',
    releases: content.releases,
    examples: content.examples,
    code: row.code,
    shouldHaveCaught: row.should_have_caught,
    from: content.from,
    to: content.to,
  }
}
