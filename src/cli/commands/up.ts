import { performance } from 'node:perf_hooks'
import { createApp } from '../../app.ts'
import { type Command, colours } from '../kit/kit.ts'
import { mlflowOptions, withMlflowOptions } from '../tracking/mlflow-options.ts'

export const command: Command = {
  summary: 'Start the server; it runs until you stop it',
  options: [
    { flags: '--port <port>', help: 'port to listen on; 0 picks a free one' },
    { flags: '--host <address>', help: 'address to listen on; off loopback every caller needs a token' },
    { flags: '--database <url>', help: 'postgres://… instead of the embedded SQLite file' },
    { flags: '--blobs <url>', help: 's3://bucket/prefix?endpoint=… instead of the data folder, for artifacts' },
    { flags: '--cache <size>', help: 'largest local copy of what lies on S3 (default 10GB)' },
    { flags: '--egress <hosts>', help: 'hosts that may be called although they are private or not https' },
    { flags: '--refuse <findings>', help: 'what a scan of model files must not find' },
    { flags: '--secret-key <text>', help: 'what stored secrets are sealed with; better as KEEL_SECRET_KEY' },
    { flags: '--clock <kind>', help: 'real or simulated' },
    { flags: '--log <level>', help: 'log level' },
    ...mlflowOptions,
  ],
  examples: ['keel up', 'keel up --port 8080 --data /srv/keel'],
  anywhere: true,
  ownsInterrupt: true,
  async run(session, input) {
    const config = withMlflowOptions(await session.settings(), input, session.io.environment)
    const app = await createApp({ config, root: session.root })
    const stopped = waitForSignal()
    let url: string
    try {
      url = await app.listen()
    } catch (error) {
      await app.close()
      throw error
    }
    const colour = colours(session.io, session.io.stderr)
    session.io.stderr.write(
      `${colour('bold', 'Evenkeel')} is up at ${colour('cyan', url)} (${performance.now().toFixed(0)} ms)\n`,
    )
    session.say(`Data: ${app.ctx.folder}   Stop: Ctrl-C`)
    if (session.json) session.io.stdout.write(`${JSON.stringify({ url, data: app.ctx.folder, pid: process.pid })}\n`)
    await stopped
    session.say('Stopping: requests in flight are answered, work in progress goes on at the next start.')
    await app.close()
    return { data: { url, stopped: true }, text: '' }
  },
}

function waitForSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => {
      process.once('SIGINT', () => process.exit(130))
      resolve()
    })
  })
}
