import { encodeOnnx } from '../../examples/flights/src/onnx.ts'
import type { Context } from '../../src/core/context.ts'
import * as artifacts from '../../src/domains/artifacts/artifacts.ts'
import * as datasets from '../../src/domains/datasets/datasets.ts'
import * as evaluation from '../../src/domains/evaluation/evaluation.ts'
import * as features from '../../src/domains/features/features.ts'
import * as registry from '../../src/domains/registry/registry.ts'
import type { ModelSpec } from '../../src/domains/registry/spec/model-spec.ts'

/** A small project in the database: a source of trips, a model that answers with one of its inputs, a golden set. */
export const model = 'trip-late'

export const spec: ModelSpec = {
  model,
  owner: 'ana@team.example',
  backup: 'bo@team.example',
  purpose: 'Say whether a trip ends late.',
  serves: { service: 'trip', output: 'binary', positive: 'late' },
  labels: { from: 'trips.late', arrive_within: '1h' },
  golden: 'trips-golden',
  success: { quality: { metric: 'log_loss', against: 'live', margin: 0.05 } },
  delivery: {
    targets: { frequency: 'weekly', change_fail_rate: '50%', rollback_time: '60s', alerts_per_week: 2 },
    rollout: { shadow: '1h', steps: [50, 100], bake: '1h', bad_rate: 0.1, slow_after: '5s' },
    rollback: { to: 'previous', drill_every: '365d' },
  },
  review: { every: 'week' },
}

/** Chance of being late, as `good` knows it; `late` follows it evenly. */
export function tripAt(index: number): {
  id: string
  at: string
  city: string
  good: number
  wrong: number
  late: number
} {
  const good = ((index * 7) % 10) / 10 + 0.05
  const late = (index * 0.6180339887) % 1 < good ? 1 : 0
  return {
    id: `t${index}`,
    at: new Date(Date.UTC(2025, 0, 1) + index * 60_000).toISOString(),
    city: index % 2 === 0 ? 'Bonn' : 'Ulm',
    good,
    wrong: 1 - good,
    late,
  }
}

export const trips = (count: number) => Array.from({ length: count }, (_, index) => tripAt(index))

/** A model that answers with the input of this name. */
function echo(input: string): Uint8Array {
  return encodeOnnx({
    name: 'echo',
    inputs: [{ name: input, type: 'float', width: 1 }],
    outputs: [{ name: 'probability', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op: 'Identity', inputs: [input], output: 'probability' }],
  })
}

/** Seeds: the source, its features, the spec and the golden set; with version 1; with version 1 and its gate passed. */
export async function establish(ctx: Context): Promise<void> {
  const vetted = { by: 'bo@team.example', on: '2025-01-01' }
  await datasets.applySource(ctx, { source: 'trips', owner: 'ana@team.example', vetted, time: 'at' })
  await datasets.append(ctx, { source: 'trips', rows: trips(400) })
  await features.applyFeatures(ctx, {
    entities: [{ name: 'city', keys: ['city'] }],
    views: [
      {
        name: 'city_trips',
        entity: 'city',
        source: 'trips',
        aggregates: [{ feature: 'city_late_1h', fn: 'mean', of: 'late', window: '1h' }],
      },
    ],
    services: [
      {
        name: 'trip',
        request: [
          { name: 'city', type: 'string' },
          { name: 'good', type: 'number' },
          { name: 'wrong', type: 'number' },
        ],
        features: ['city_trips:city_late_1h'],
      },
    ],
  })
  await features.warmUp(ctx)
  await registry.applySpec(ctx, spec)
  const definition = { golden: 'trips-golden', file: 'golden/trips.csv', id: 'id', time: 'at', label: 'late' }
  await evaluation.applyGolden(ctx, { definition, items: trips(200) })
}

/** Registers a version that answers with the given input. */
export async function register(ctx: Context, input: 'good' | 'wrong' | 'city_late_1h'): Promise<number> {
  const set = await features.createTrainingSet(ctx, {
    service: 'trip',
    source: 'trips',
    from: '2025-01-01T00:00:00Z',
    to: '2025-02-01T00:00:00Z',
    label: 'late',
  })
  const blob = await ctx.blobs.put(echo(input))
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...blob }] })
  const { version } = await registry.registerVersion(ctx, {
    model,
    flavor: 'onnx',
    artifact: digest,
    signature: { inputs: [{ name: input, type: 'number' }], output: { name: 'probability', type: 'number' } },
    service: 'trip',
    trainingSet: set.id,
    description: input,
  })
  return version
}

export async function registered(ctx: Context): Promise<void> {
  await establish(ctx)
  await register(ctx, 'good')
}

export async function gated(ctx: Context): Promise<void> {
  await registered(ctx)
  await evaluation.runGate(ctx, { model, version: 1 })
}
