import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import { AppError, conflict, invalidInput } from '../../core/errors.ts'
import { digestOfJson } from '../../core/json/json.ts'
import { didYouMean } from '../../core/suggest.ts'
import { transaction } from '../../core/transaction.ts'
import * as access from '../access/access.ts'
import * as datasets from '../datasets/datasets.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as features from '../features/features.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as pipelines from '../pipelines/pipelines.ts'
import * as registry from '../registry/registry.ts'
import { oldNamesIn, withPresentNames } from '../registry/spec/spec.ts'
import type { project } from './contract.ts'
import { append } from './events.ts'
import { takenAway } from './live-needs.ts'
import { orNothing } from './or-nothing.ts'
import { differences, duplicates } from './rules.ts'

type Operations = typeof project

type Definitions = Input<Operations['plan']>

type Plan = Output<Operations['plan']>

type Change = Plan['changes'][number]

type Kind = Change['kind']

/** One definition beside what is stored under its name. */
type Pair = { kind: Kind; name: string; before: unknown; after: unknown }

export async function plan(ctx: Context, given: Definitions): Promise<Plan> {
  check(given)
  await checkGolden(ctx, given)
  await checkSources(ctx, given)
  const definitions = { ...given, models: given.models.map(withPresentNames) }
  const pairs = await pairUp(ctx, definitions)
  const changes = pairs.map((pair) => describe(pair, definitions))
  return {
    changes,
    refusals: await takenAway(ctx, await changeOf(ctx, definitions, changes)),
    digest: digestOfJson(pairs.map(({ kind, name, before }) => [kind, name, before ?? null])),
    notices: [...given.models.flatMap(oldNamesIn), ...(await strangers(ctx, given))],
  }
}

/** Owners whom nobody can ask here: once people sign in, those who answer for a model are among them. */
async function strangers(ctx: Context, { models }: Definitions): Promise<string[]> {
  const { items: users } = await access.listUsers(ctx)
  if (users.length === 0) return []
  const known = new Set(users.flatMap(({ name, email }) => [name, ...(email === undefined ? [] : [email])]))
  return models.flatMap(({ model, owner, backup }) =>
    Object.entries({ owner, backup })
      .filter(([, name]) => name !== undefined && !known.has(name))
      .map(
        ([role, name]) => `models/${model}.yaml: the ${role} "${name}" is not a user of this server (keel user list)`,
      ),
  )
}

export async function apply(ctx: Context, { expected, ...definitions }: Input<Operations['apply']>): Promise<Plan> {
  return transaction(ctx, async (ctx) => {
    const planned = await plan(ctx, definitions)
    if (expected !== undefined && expected !== planned.digest) {
      throw conflict('The server changed since the plan was made.', {
        name: expected,
        hint: 'Run "keel plan" again and look at it.',
      })
    }
    refuseTaken(planned)
    const changed = (kind: Kind, name: string) =>
      planned.changes.some((change) => change.kind === kind && change.name === name && change.action !== 'unchanged')
    for (const source of definitions.sources)
      if (changed('source', source.source)) await datasets.applySource(ctx, source)
    if (changed('features', 'features')) await features.applyFeatures(ctx, merged(definitions))
    for (const golden of definitions.golden)
      if (changed('golden', golden.definition.golden)) await evaluation.applyGolden(ctx, golden)
    if (definitions.prices && changed('prices', 'prices'))
      await evaluation.setPrices(ctx, { prices: definitions.prices })
    if (definitions.alerts && changed('alerts', 'alerts')) await applyAlerts(ctx, definitions.alerts)
    if (definitions.access && changed('access', 'access')) await applyAccess(ctx, definitions.access)
    for (const spec of definitions.models) if (changed('model', spec.model)) await registry.applySpec(ctx, spec)
    for (const file of definitions.pipelines)
      if (changed('pipeline', file.pipeline)) await pipelines.applyPipeline(ctx, file)
    const touched = planned.changes.filter(({ action }) => action !== 'unchanged')
    if (touched.length > 0) await append(ctx, 'project.applied', `project/${definitions.project}`, { changes: touched })
    return planned
  })
}

function refuseTaken({ refusals: [first, ...others] }: Plan): void {
  if (!first) return
  const more = others.map(({ detail }) => ` ${detail}`).join('')
  throw new AppError('refused_by_policy', `${first.detail}${more} Nothing was applied.`, {
    name: first.release,
    hint: first.hint,
  })
}

async function changeOf(
  ctx: Context,
  definitions: Definitions,
  changes: Change[],
): Promise<Parameters<typeof takenAway>[1]> {
  const changed = new Set(
    changes.filter(({ action }) => action === 'update').map(({ kind, name }) => `${kind}/${name}`),
  )
  const specs = definitions.models.filter(({ model }) => changed.has(`model/${model}`))
  return {
    specs: new Map(specs.map((spec) => [spec.model, spec])),
    features: changed.has('features/features')
      ? { before: await storedFeatures(ctx), after: merged(definitions) }
      : undefined,
    golden: new Set(definitions.golden.map(({ definition }) => definition.golden)),
  }
}

/** Where alerts go is for administrators, also when it is in a file. */
async function applyAlerts(ctx: Context, sinks: NonNullable<Definitions['alerts']>): Promise<void> {
  requireAdmin(ctx, 'alerts', 'who is notified of alerts')
  await monitoring.setSinks(ctx, { sinks })
}

async function applyAccess(ctx: Context, rules: NonNullable<Definitions['access']>): Promise<void> {
  requireAdmin(ctx, 'access', 'how people and CI sign in')
  await access.setAccessRules(ctx, rules)
}

function requireAdmin(ctx: Context, name: string, what: string): void {
  if (ctx.actor.role === 'admin') return
  throw new AppError('forbidden', `Only an administrator may change ${what}.`, { name })
}

/** All files of features form one set: views of one may use entities of another. */
function merged({ features: files }: Definitions): Definitions['features'][number] {
  return {
    entities: files.flatMap(({ entities }) => entities),
    views: files.flatMap(({ views }) => views),
    services: files.flatMap(({ services }) => services),
  }
}

async function pairUp(ctx: Context, definitions: Definitions): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (const after of definitions.sources) {
    const before = await orNothing(datasets.describeSource(ctx, after.source))
    pairs.push({ kind: 'source', name: after.source, before: before?.definition, after })
  }
  if (definitions.features.length > 0) {
    const stored = await storedFeatures(ctx)
    const before = isEmpty(stored) ? undefined : stored
    pairs.push({ kind: 'features', name: 'features', before, after: merged(definitions) })
  }
  for (const { definition, items } of definitions.golden) {
    const before = await orNothing(evaluation.getGolden(ctx, { golden: definition.golden }))
    const digest = evaluation.goldenDigest({ definition, items })
    pairs.push({
      kind: 'golden',
      name: definition.golden,
      before: before && { definition: before.definition, items: before.digest },
      after: { definition, items: digest },
    })
  }
  for (const after of definitions.models) {
    const before = await orNothing(registry.getModel(ctx, { model: after.model }))
    pairs.push({ kind: 'model', name: after.model, before: before?.spec ?? undefined, after })
  }
  for (const after of definitions.pipelines) {
    const before = await orNothing(pipelines.get(ctx, { pipeline: after.pipeline }))
    pairs.push({ kind: 'pipeline', name: after.pipeline, before: before?.definition, after })
  }
  if (definitions.prices) {
    const { digest, prices } = await evaluation.getPrices(ctx)
    pairs.push({
      kind: 'prices',
      name: 'prices',
      before: digest === null ? undefined : prices,
      after: definitions.prices,
    })
  }
  if (definitions.alerts) {
    const sinks = await monitoring.storedSinks(ctx)
    const before = sinks.length === 0 && definitions.alerts.length > 0 ? undefined : sinks
    pairs.push({ kind: 'alerts', name: 'alerts', before, after: sortedByName(definitions.alerts) })
  }
  if (definitions.access) {
    const rules = await access.accessRules(ctx)
    const before = Object.keys(rules).length === 0 ? undefined : rules
    pairs.push({ kind: 'access', name: 'access', before, after: definitions.access })
  }
  return pairs
}

function sortedByName<Named extends { name: string }>(items: readonly Named[]): Named[] {
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

async function storedFeatures(ctx: Context): Promise<Definitions['features'][number]> {
  const [entities, views, services] = [
    await features.listEntities(ctx),
    await features.listViews(ctx),
    await features.listServices(ctx),
  ]
  return { entities: entities.items, views: views.items, services: services.items }
}

function isEmpty({ entities, views, services }: Definitions['features'][number]): boolean {
  return entities.length + views.length + services.length === 0
}

function describe({ kind, name, before, after }: Pair, definitions: Definitions): Change {
  const found = before === undefined ? [] : differences(before, after)
  const action = before === undefined ? 'create' : found.length === 0 ? 'unchanged' : 'update'
  return {
    kind,
    name,
    action,
    differences: found,
    touches: action === 'unchanged' ? [] : touchedModels(kind, name, definitions),
  }
}

function touchedModels(kind: Kind, name: string, { models }: Definitions): string[] {
  const touches: Record<Kind, (spec: Definitions['models'][number]) => boolean> = {
    source: (spec) =>
      spec.serves.service !== undefined || spec.labels?.from.split('.')[0] === name || spec.predictions?.from === name,
    features: (spec) => spec.serves.service !== undefined,
    golden: (spec) => spec.golden === name,
    model: (spec) => spec.model === name,
    pipeline: () => false,
    alerts: () => false,
    access: () => false,
    prices: (spec) => (spec.success.guardrails ?? []).some(({ metric }) => metric.startsWith('cost_')),
  }
  return models.filter(touches[kind]).map(({ model }) => model)
}

/** What no single file can see: names used twice, and names that point nowhere. */
function check(definitions: Definitions): void {
  const names: [string, string[]][] = [
    ['source', definitions.sources.map(({ source }) => source)],
    ['golden set', definitions.golden.map(({ definition }) => definition.golden)],
    ['model', definitions.models.map(({ model }) => model)],
    ['pipeline', definitions.pipelines.map(({ pipeline }) => pipeline)],
  ]
  for (const [what, all] of names) {
    const twice = duplicates(all)[0]
    if (twice !== undefined) throw invalidInput(`The ${what} "${twice}" is defined twice.`, { name: twice })
  }
  for (const file of definitions.pipelines) pipelines.checkPipeline(file)
}

/** One that is in no file may have been pushed, as from a notebook. */
async function checkGolden(ctx: Context, { golden, models }: Definitions): Promise<void> {
  const declared = new Set(golden.map(({ definition }) => definition.golden))
  for (const spec of models) {
    if (spec.level === 'watch' || declared.has(spec.golden)) continue
    if ((await orNothing(evaluation.getGolden(ctx, { golden: spec.golden }))) !== undefined) continue
    throw invalidInput(
      `The model "${spec.model}" names the golden set "${spec.golden}", which keel.yaml does not declare.`,
      { name: spec.golden, hint: 'Add it under "golden" in keel.yaml, or push it first.' },
    )
  }
}

/** Where labels and predictions are said to come from by themselves: a source that is in no file may be applied already. */
async function checkSources(ctx: Context, { sources, models }: Definitions): Promise<void> {
  const declared = sources.map(({ source }) => source)
  for (const { model, labels, predictions } of models) {
    if (labels?.id !== undefined && labels.by !== undefined)
      throw invalidInput(`The labels of "${model}" are found by "id" and by "by" at once.`, {
        name: 'labels.by',
        hint: 'Leave one of them out.',
      })
    const isAskedFor = labels?.id !== undefined || labels?.by !== undefined
    const named = [predictions?.from, isAskedFor ? labels?.from.split('.')[0] : undefined]
    for (const name of named) {
      if (name === undefined || declared.includes(name)) continue
      if ((await orNothing(datasets.describeSource(ctx, name))) !== undefined) continue
      throw invalidInput(`The model "${model}" names the source "${name}", which no file declares.`, {
        name,
        hint: didYouMean(name, declared) ?? `Declare it in sources/${name}.yaml.`,
      })
    }
  }
}
