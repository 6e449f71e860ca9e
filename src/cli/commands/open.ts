import { spawn } from 'node:child_process'
import { defineCommand, isInteractive, optionalArgument } from '../kit/kit.ts'

const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', linux: 'xdg-open', win32: 'explorer' }

export const command = defineCommand({
  summary: 'Show a model, or everything, in the browser',
  args: { model: optionalArgument() },
  async run(session, { args: { model } }) {
    const base = await session.url()
    const url = model === undefined ? base : `${base}/models/${encodeURIComponent(model)}`
    const opener = openers[process.platform]
    if (opener && isInteractive(session.io)) {
      spawn(opener, [url], { stdio: 'ignore', detached: true })
        .on('error', () => session.say('No browser could be started; open the address yourself.'))
        .unref()
    }
    return { data: { url }, text: url }
  },
})
