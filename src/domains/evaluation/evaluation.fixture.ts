import { createHash } from 'node:crypto'
import { encodeOnnx } from '../../../examples/flights/src/onnx.ts'
import type { Context } from '../../core/context.ts'
import { hour } from '../../core/duration.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import * as registry from '../registry/registry.ts'
import type { ModelSpec } from '../registry/spec/model-spec.ts'
import { applyGolden } from './evaluation.ts'

/** Evenly spread in (0, 1) and the same in every run. */
function uniform(text: string): number {
  return (createHash('sha256').update(text).digest().readUInt32BE() + 0.5) / 2 ** 32
}

export type TestItem = {
  id: string
  departs: string
  origin: string
  late: number
  good: number | null
  noisy: number
  wrong: number
}

/** Items whose column `good` is the true probability of `late`; `noisy` knows half of it, `wrong` says the opposite. */
export function makeItems(count: number): TestItem[] {
  return Array.from({ length: count }, (_, index) => {
    const chance = 0.05 + 0.9 * uniform(`chance ${index}`)
    return {
      id: `f${index}`,
      departs: new Date(Date.UTC(2025, 2, 1) + index * hour).toISOString(),
      origin: ['ORD', 'LGA', 'BOS'][index % 3] ?? '',
      late: uniform(`late ${index}`) < chance ? 1 : 0,
      good: chance,
      noisy: 0.25 + chance / 2,
      wrong: 1 - chance,
    }
  })
}

export const definition = {
  golden: 'flights-golden',
  file: 'golden/flights.csv',
  id: 'id',
  time: 'departs',
  label: 'late',
  slices: ['origin'],
}

type Success = Partial<ModelSpec['success']>

export function makeSpec(success: Success = {}, rollout: Partial<ModelSpec['delivery']['rollout']> = {}): ModelSpec {
  return {
    model: 'flight-delay',
    owner: 'ana@team.example',
    backup: 'bo@team.example',
    purpose: 'Say whether the flight arrives late.',
    serves: { output: 'binary', positive: 'late' },
    golden: 'flights-golden',
    success: { quality: { metric: 'log_loss', against: 'live', margin: 0.01 }, ...success },
    delivery: {
      targets: { frequency: 'weekly', change_fail_rate: '15%', rollback_time: '60s', alerts_per_week: 2 },
      rollout: { shadow: '30m', steps: [50, 100], bake: '1h', ...rollout },
      rollback: { to: 'previous', drill_every: '30d' },
    },
    review: { every: 'week' },
  }
}

/** A model named flight-delay with a spec, a golden set and a constant baseline of .5. */
export async function establish(
  ctx: Context,
  { items = makeItems(400), spec = makeSpec() }: { items?: TestItem[]; spec?: ModelSpec } = {},
): Promise<TestItem[]> {
  await registry.applySpec(ctx, spec)
  await registry.setBaseline(ctx, { model: spec.model, value: 0.5 })
  await applyGolden(ctx, { definition, items })
  return items
}

/** Registers a version that answers with the given column of its request. */
export async function registerEcho(ctx: Context, column: string, details: { sources?: string[] } = {}) {
  const bytes = encodeOnnx({
    name: `echo ${column}`,
    inputs: [{ name: column, type: 'float', width: 1 }],
    outputs: [{ name: 'answer', type: 'float', width: 1 }],
    constants: [],
    nodes: [{ op: 'Identity', inputs: [column], output: 'answer' }],
  })
  const blob = await ctx.blobs.put(bytes)
  const { digest } = await artifacts.create(ctx, { files: [{ path: 'model.onnx', ...blob }] })
  return registry.registerVersion(ctx, {
    model: 'flight-delay',
    flavor: 'onnx',
    artifact: digest,
    signature: {
      inputs: [{ name: column, type: 'number', missing: true }],
      output: { name: 'answer', type: 'number' },
    },
    ...details,
  })
}
