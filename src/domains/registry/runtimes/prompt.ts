import type { Context } from '../../../core/context.ts'
import { AppError } from '../../../core/errors.ts'
import type { Row, Value } from '../../../core/onnx/onnx.ts'
import type { Limits, Provider } from '../spec/spec.ts'
import type { VersionRecord } from '../store.ts'
import { composeMessages, type Json } from './messages.ts'
import { openProvider } from './provider.ts'
import type { Runtime } from './runtime.ts'
import { withSettings } from './settings.ts'

type PromptProvider = { provider: Provider; limits: Limits | undefined }

/** Opens a version that is a prompt: the spec's provider answers it. */
export async function openPrompt(
  ctx: Context,
  row: VersionRecord,
  { provider, limits }: PromptProvider,
): Promise<Runtime> {
  const template = row.prompt ?? ''
  const opened = await openProvider(ctx, provider, limits)
  return {
    async predict(rows, asking = {}) {
      const answers: Value[] = []
      for (const row of rows) answers.push((await opened.ask(composeMessages(template, undefined, row), asking)).text)
      return answers
    },
    chat: {
      provider,
      compose(body) {
        const inputs = inputsOf(body)
        const messages = composeMessages(template, body['messages'], inputs, provider.parts)
        return withSettings({ ...body, messages }, provider)
      },
      send: opened.send,
    },
    state() {
      const instances = opened.instances()
      return { kind: 'prompt', ready: instances.some(({ state }) => state !== 'open'), instances }
    },
    close: opened.close,
  }
}

function inputsOf(body: Json): Row {
  const given = body['inputs']
  if (given === undefined) return {}
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Row
  throw new AppError('invalid_input', '"inputs" must be an object with the variables of the prompt.', {
    name: 'inputs',
  })
}
