import { argument, type Command, defineCommand, moment, optionalArgument, table } from '../kit/kit.ts'
import { describeRun } from './run.ts'

export const command: Command = {
  summary: 'Pipelines and their runs',
  commands: {
    list: {
      summary: 'Pipelines',
      async run(session) {
        const { items } = await (await session.client()).pipelines.list({})
        return {
          data: items,
          text: table(
            ['pipeline', 'steps', 'owner', 'last run'],
            items.map(({ name, definition, lastRun }) => [name, definition.steps.length, definition.owner, lastRun]),
          ),
        }
      },
    },
    runs: defineCommand({
      summary: 'Runs, newest first',
      args: { pipeline: optionalArgument() },
      async run(session, { args: { pipeline } }) {
        const { items } = await (await session.client()).pipelines.listRuns({ pipeline })
        return {
          data: items,
          text: table(
            ['run', 'pipeline', 'state', 'started'],
            items.map((run) => [run.id, run.pipeline, run.state, moment(run.startedAt)]),
          ),
        }
      },
    }),
    show: defineCommand({
      summary: 'One run, step by step',
      args: { pipelineRun: argument('run') },
      async run(session, { args: { pipelineRun } }) {
        const run = await (await session.client()).pipelines.getRun({ pipelineRun })
        return { data: run, text: describeRun(run) }
      },
    }),
    log: defineCommand({
      summary: 'What a step printed',
      args: { pipelineRun: argument('run'), step: argument() },
      async run(session, { args: { pipelineRun, step } }) {
        const client = await session.client()
        let text = ''
        for (let offset = 0; ; ) {
          const part = await client.pipelines.logs({ pipelineRun, step, offset })
          text += part.text
          if (part.next === offset) break
          offset = part.next
        }
        return { data: { text }, text: text.trimEnd() }
      },
    }),
    why: defineCommand({
      summary: 'Why a step ran instead of coming from the cache',
      args: { pipelineRun: argument('run'), step: argument() },
      async run(session, { args: { pipelineRun, step } }) {
        const why = await (await session.client()).pipelines.why({ pipelineRun, step })
        const rows = why.changed.map(({ component, before, now }) => [
          component,
          JSON.stringify(before),
          JSON.stringify(now),
        ])
        return { data: why, text: why.cached ? 'It came from the cache.' : table(['component', 'before', 'now'], rows) }
      },
    }),
    cancel: defineCommand({
      summary: 'Stop a run',
      args: { pipelineRun: argument('run') },
      async run(session, { args: { pipelineRun } }) {
        const run = await (await session.client()).pipelines.cancelRun({ pipelineRun })
        return { data: run, text: describeRun(run) }
      },
    }),
  },
}
