import { performance } from 'node:perf_hooks'
import { createApp } from '../../app.ts'
import { settings } from '../../core/config.ts'
import { colours, defineCommand, oneOf, text } from '../kit/kit.ts'
import { mlflowOptions, withMlflowOptions } from '../tracking/mlflow-options.ts'

export const command = defineCommand({
  summary: 'Start the server; it runs until you stop it',
  options: {
    port: text('port to listen on; 0 picks a free one', 'port'),
    host: text('address to listen on; off loopback every caller needs a token', 'address'),
    database: text('postgres://… instead of the embedded SQLite file', 'url'),
    blobs: text('s3://bucket/prefix?endpoint=… instead of the data folder, for artifacts', 'url'),
    cache: text('largest local copy of what lies on S3 (default 10GB)', 'size'),
    egress: text('hosts that may be called although they are private or not https', 'hosts'),
    refuse: text('what a scan of model files must not find', 'findings'),
    mlflow: text('what serves a model that MLflow’s client logged and that is no ONNX', 'command'),
    secretKey: text('what stored secrets are sealed with; better as KEEL_SECRET_KEY'),
    clock: oneOf(settings.clock.oneOf, 'which clock', 'kind'),
    log: oneOf(settings.log.oneOf, 'log level', 'level'),
    ...mlflowOptions,
  },
  examples: ['keel up', 'keel up --port 8080 --data /srv/keel'],
  anywhere: true,
  ownsInterrupt: true,
  async run(session, { options }) {
    const config = withMlflowOptions(await session.settings(), options, session.io.environment)
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
})

function waitForSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => {
      process.once('SIGINT', () => process.exit(130))
      resolve()
    })
  })
}
