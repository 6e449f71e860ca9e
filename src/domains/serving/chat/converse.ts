import type { Context } from '../../../core/context.ts'
import { type AppError, invalidInput } from '../../../core/errors.ts'
import { type Call, choose, isRefusal, shadowWork, standIns, type Target, toGatewayError } from '../gateway/gateway.ts'
import { loadedVersion, type Routing, requireRouting } from '../routing/routing.ts'
import { askChat, type Conversation, type Request } from './ask.ts'
import { answersAsConstant, sayConstant } from './constant.ts'
import { described } from './described.ts'

export type { Conversation }

/** Passes a request in OpenAI's protocol to whoever the routing says, and on to those who stand in for it. */
export async function converse(ctx: Context, request: Request): Promise<Conversation> {
  const { endpoint, body } = request
  const routing = requireRouting(ctx, endpoint)
  const id = request.id ?? ctx.id('prd')
  const user = body['user']
  const unit = typeof user === 'string' && user !== '' ? user.slice(0, 256) : id
  const rollout = routing.canary !== null || routing.shadow !== null
  const call: Call = { ctx, endpoint, id, unit, at: ctx.now(), inputs: described(body), rollout }
  const first = choose(ctx, routing, unit)
  const isPrompt = hasPrompt(ctx, routing)
  let error: AppError | undefined
  for (const asked of [first, ...standIns(ctx, routing, first.target)]) {
    const constant = isPrompt && answersAsConstant(asked, request)
    if (!asked.chosen.runtime.chat && !constant) continue
    try {
      const conversation = constant ? sayConstant(call, asked, request) : await askChat(call, asked, request)
      if (routing.shadow) afterwards(conversation, copyTo(call, routing.shadow, request))
      return conversation
    } catch (thrown) {
      error = toGatewayError(thrown, asked.target.release)
      if (isRefusal(error) || request.signal.aborted || error.code === 'deadline_exceeded') throw error
    }
  }
  const hint = `Ask it by POST /api/v1/predict/${endpoint}.`
  throw error ?? invalidInput(`What is live at "${endpoint}" is not a language model.`, { name: endpoint, hint })
}

/** Also one of which the built-in baseline still answers, with the first release in its shadow. */
function hasPrompt(ctx: Context, { endpoint, live, canary, shadow, warm }: Routing): boolean {
  return [live, canary, shadow, ...warm].some(
    (target) => target && loadedVersion(ctx, endpoint, target.version)?.runtime.chat,
  )
}

/** Once the caller has its answer to the end. */
function afterwards({ body }: Conversation, work: () => void): void {
  if (Buffer.isBuffer(body)) work()
  else body.once('close', work)
}

const copyTo = (call: Call, target: Target, request: Request) => () => {
  const chosen = loadedVersion(call.ctx, call.endpoint, target.version)
  if (!chosen?.runtime.chat) return
  const copy = { ...request, body: { ...request.body, stream: false }, signal: new AbortController().signal }
  shadowWork(call.ctx, () => askChat(call, { chosen, target, arm: 'shadow' }, copy))
}
