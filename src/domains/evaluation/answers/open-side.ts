import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import * as registry from '../../registry/registry.ts'
import { answersToInputs } from './given-answers.ts'
import type { Answerer, Golden, Side } from './side.ts'

/** Opens the side's model; the caller closes it. */
export async function openSide(ctx: Context, side: Side, golden: Golden): Promise<Side & Answerer> {
  const { model, version, constant, prompt, given } = side
  if (given) return openGiven(side, await answersToInputs(ctx, side, given, golden))
  if (prompt) return openPrompt(ctx, side, prompt)
  if (constant !== null)
    return { ...side, predict: async (rows) => rows.map(() => constant), close: async () => undefined }
  if (version === null) throw new AppError('internal', `Nothing answers for ${side.name}.`, { name: side.name })
  const runtime = await registry.openRuntime(ctx, { model, version })
  return { ...side, predict: (rows, took) => runtime.predict(rows, took ? { took } : {}), close: () => runtime.close() }
}

/** Each input has its answer already, however often it is asked. */
function openGiven(side: Side, answers: readonly Value[]): Side & Answerer {
  const byInput = new Map(side.inputs.map((row, index) => [row, answers[index] ?? null]))
  const predict = async (rows: Row[]) => rows.map((row) => byInput.get(row) ?? null)
  return { ...side, predict, close: async () => undefined }
}

const attempts = 3

/** NaN tokens where the provider does not count them. */
async function openPrompt(ctx: Context, side: Side, prompt: NonNullable<Side['prompt']>): Promise<Side & Answerer> {
  const { ask: askProvider, close } = await registry.openProvider(ctx, prompt.provider)
  const ask = async (row: Row) => {
    const content = registry.fillTemplate(prompt.text, row, 'an item of the golden set')
    const { text, marks, tokens } = await askProvider([{ role: 'user', content }], { attempts })
    const { input: inputTokens, output: outputTokens } = tokens ?? { input: Number.NaN, output: Number.NaN }
    return { answer: text, marks, usage: { model: prompt.provider.model, inputTokens, outputTokens } }
  }
  const predict = async (rows: Row[]) => {
    const answers: Value[] = []
    for (const row of rows) answers.push((await ask(row)).answer)
    return answers
  }
  return { ...side, predict, ask, close }
}
