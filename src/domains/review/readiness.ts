import type { Context } from '../../core/context.ts'
import type { Input, Output } from '../../core/contract.ts'
import * as datasets from '../datasets/datasets.ts'
import * as delivery from '../delivery/delivery.ts'
import * as evaluation from '../evaluation/evaluation.ts'
import * as features from '../features/features.ts'
import * as monitoring from '../monitoring/monitoring.ts'
import * as pipelines from '../pipelines/pipelines.ts'
import * as registry from '../registry/registry.ts'
import type { review } from './contract.ts'

type Operations = typeof review
type Report = Output<Operations['readiness']>
type Section = Report['tests'][number]['section']

/** The records that the tests look at, read once. */
async function factsOf(ctx: Context, model: string) {
  const found = await registry.getModel(ctx, { model })
  const { items: versions } = await registry.listVersions(ctx, { model })
  const { items: gates } = await evaluation.listGates(ctx, { model })
  const { items: releases } = await delivery.listReleases(ctx, { model })
  const { items: windows } = await monitoring.series(ctx, { model })
  const { items: runs } = await pipelines.listRuns(ctx, {})
  const live = versions.find(({ version }) => version === found.aliases['live']) ?? versions[0]
  const sourceNames = live?.service ? await features.sourcesOf(ctx, live.service) : []
  const sources = []
  for (const source of sourceNames) sources.push(await datasets.describeSource(ctx, source))
  const metrics = await delivery.metrics(ctx, { model })
  return { spec: found.spec, versions, gates, releases, windows, runs, live, sources, metrics }
}

type Facts = Awaited<ReturnType<typeof factsOf>>
type Check = (facts: Facts) => string | undefined

type Test = { test: string; section: Section; title: string; check: Check }

const when = (condition: boolean, evidence: string): string | undefined => (condition ? evidence : undefined)
const checked = ({ gates }: Facts, name: string) =>
  gates.flatMap((gate) => gate.checks).find(({ check }) => check.startsWith(name))
const unknown: Check = () => undefined

/** The 28 tests of the ML Test Score (Breck et al., 2017). A check returns its evidence, or nothing: then there are no points. */
const tests: Test[] = [
  {
    test: 'D1',
    section: 'data',
    title: 'Feature expectations are in a schema',
    check: ({ sources }) =>
      when(
        sources.length > 0 && sources.every(({ definition }) => (definition.expectations ?? []).length > 0),
        'expectations of every source, enforced on every write',
      ),
  },
  { test: 'D2', section: 'data', title: 'All features are beneficial', check: unknown },
  { test: 'D3', section: 'data', title: 'No feature costs too much', check: unknown },
  {
    test: 'D4',
    section: 'data',
    title: 'Features meet meta-level requirements',
    check: ({ sources }) =>
      when(
        sources.length > 0 && sources.every(({ definition, vetted }) => definition.licence !== undefined && vetted),
        'licence, owner and vetting of every source',
      ),
  },
  {
    test: 'D5',
    section: 'data',
    title: 'The pipeline has privacy controls',
    check: ({ sources }) =>
      when(
        sources.length > 0 && sources.every(({ definition }) => definition.pii !== undefined),
        'pii class declared for every source',
      ),
  },
  {
    test: 'D6',
    section: 'data',
    title: 'New features can be added quickly',
    check: ({ metrics }) => when(metrics.leadTimeHours.n > 0, `lead time over ${metrics.leadTimeHours.n} releases`),
  },
  {
    test: 'D7',
    section: 'data',
    title: 'Input feature code is tested',
    check: (facts) => checked(facts, 'parity')?.reason,
  },
  {
    test: 'M1',
    section: 'model',
    title: 'Model specs are reviewed and checked in',
    check: ({ spec }) => when(spec !== null, 'models/*.yaml, applied'),
  },
  {
    test: 'M2',
    section: 'model',
    title: 'Offline and online metrics correlate',
    check: ({ windows, gates }) =>
      when(windows.some(({ labelled }) => labelled > 0) && gates.length > 1, 'golden and live metric of each release'),
  },
  { test: 'M3', section: 'model', title: 'Hyper-parameters are tuned', check: unknown },
  {
    test: 'M4',
    section: 'model',
    title: 'The impact of staleness is known',
    check: ({ windows }) => {
      const labelled = windows.filter((window) => window.labelled > 0).length
      return when(labelled >= 4, `${labelled} windows of live quality`)
    },
  },
  {
    test: 'M5',
    section: 'model',
    title: 'A simpler model is not better',
    check: ({ gates }) =>
      when(
        gates.some(({ evaluation }) => evaluation !== null),
        'simple baselines in every evaluation',
      ),
  },
  {
    test: 'M6',
    section: 'model',
    title: 'Quality is sufficient on all slices',
    check: (facts) =>
      when(
        (facts.spec?.success.slices ?? []).length > 0 && checked(facts, 'slice') !== undefined,
        'slices of the gate',
      ),
  },
  { test: 'M7', section: 'model', title: 'The model was tested for inclusion', check: unknown },
  {
    test: 'I1',
    section: 'infrastructure',
    title: 'Training is reproducible',
    check: ({ live }) =>
      when(
        live?.trainingSet !== null && live?.code !== null && live !== undefined,
        'training set and code digests of the live version',
      ),
  },
  { test: 'I2', section: 'infrastructure', title: 'Model spec code is unit tested', check: unknown },
  {
    test: 'I3',
    section: 'infrastructure',
    title: 'The full pipeline is integration tested',
    check: ({ runs }) => runs.find(({ state }) => state === 'succeeded')?.id,
  },
  {
    test: 'I4',
    section: 'infrastructure',
    title: 'Quality is validated before serving',
    check: ({ gates }) => gates.find(({ verdict }) => verdict === 'pass')?.id,
  },
  {
    test: 'I5',
    section: 'infrastructure',
    title: 'A single example can be debugged step by step',
    check: ({ windows }) => when(windows.length > 0, 'keel replay <prediction>'),
  },
  {
    test: 'I6',
    section: 'infrastructure',
    title: 'Models are tested by canary before serving',
    check: ({ releases }) =>
      when(
        releases.some(({ kind, fullyLiveAt }) => kind !== 'baseline' && fullyLiveAt !== null),
        'rollouts by shadow and steps',
      ),
  },
  {
    test: 'I7',
    section: 'infrastructure',
    title: 'Models can be rolled back quickly and safely',
    check: ({ metrics }) =>
      when(metrics.rollbackSeconds.worst !== null, `${metrics.rollbackSeconds.worst?.toFixed(3)} s, measured`),
  },
  { test: 'O1', section: 'monitoring', title: 'Dependency changes notify', check: unknown },
  {
    test: 'O2',
    section: 'monitoring',
    title: 'Data invariants hold in training and serving',
    check: ({ sources }) =>
      when(
        sources.some(({ definition }) => (definition.expectations ?? []).length > 0),
        'the same expectations on every write',
      ),
  },
  {
    test: 'O3',
    section: 'monitoring',
    title: 'Training and serving features are equal',
    check: ({ windows }) => when(windows.length > 0, 'a sample of every window is recomputed'),
  },
  {
    test: 'O4',
    section: 'monitoring',
    title: 'Models are not too stale',
    check: ({ windows }) => {
      const known = windows.findLast(({ labelled }) => labelled > 0)?.knownUpTo
      return known ? `labels known up to ${known.slice(0, 10)}` : undefined
    },
  },
  {
    test: 'O5',
    section: 'monitoring',
    title: 'The model is numerically stable',
    check: ({ windows }) => when(windows.length > 0, 'invalid answers are counted as bad in every window'),
  },
  {
    test: 'O6',
    section: 'monitoring',
    title: 'No regression in speed',
    check: ({ windows }) =>
      when(
        windows.some(({ p95Ms }) => p95Ms.value !== null),
        'p95 of every window',
      ),
  },
  {
    test: 'O7',
    section: 'monitoring',
    title: 'No regression in quality on served data',
    check: ({ windows }) =>
      when(
        windows.some(({ labelled }) => labelled > 0),
        'bias and log loss of every window',
      ),
  },
]

export async function readiness(ctx: Context, { model }: Input<Operations['readiness']>): Promise<Report> {
  const facts = await factsOf(ctx, model)
  const results = tests.map(({ check, ...test }) => {
    const evidence = check(facts)
    return { ...test, points: evidence === undefined ? 0 : 1, evidence: evidence ?? 'nothing recorded' }
  })
  const total = (section: Section) =>
    results.filter((row) => row.section === section).reduce((sum, { points }) => sum + points, 0)
  const sections = {
    data: total('data'),
    model: total('model'),
    infrastructure: total('infrastructure'),
    monitoring: total('monitoring'),
  }
  return { model, score: Math.min(...Object.values(sections)), sections, tests: results }
}
