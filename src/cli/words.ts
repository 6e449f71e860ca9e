import { type Command, type CommandLine, optionName } from './kit/kit.ts'

type Entry = { summary: string; load: () => Promise<{ command: Command }> }

/** Every word of the command line; only the one that was typed is loaded. */
export const words: Record<string, Entry> = {
  up: { summary: 'Start the server', load: () => import('./commands/up.ts') },
  demo: { summary: 'The whole loop on six months of real flights', load: () => import('./commands/demo.ts') },
  init: { summary: 'Start a project in this folder', load: () => import('./commands/init.ts') },
  status: { summary: 'Is everything steady?', load: () => import('./commands/status.ts') },
  plan: { summary: 'What applying the files here would change', load: () => import('./commands/plan.ts') },
  apply: { summary: 'Apply the files here', load: () => import('./commands/apply.ts') },
  data: { summary: 'Sources and datasets', load: () => import('./commands/data.ts') },
  features: { summary: 'Views, services, values, training sets', load: () => import('./commands/features.ts') },
  run: { summary: 'Run a pipeline', load: () => import('./commands/run.ts') },
  pipelines: { summary: 'Pipelines and their runs', load: () => import('./commands/pipelines.ts') },
  runs: { summary: 'Tracked runs', load: () => import('./commands/runs.ts') },
  traces: { summary: 'Traces of calls', load: () => import('./commands/traces.ts') },
  artifacts: { summary: 'Stored bytes', load: () => import('./commands/artifacts.ts') },
  models: { summary: 'Registered models and their versions', load: () => import('./commands/models.ts') },
  prompts: { summary: 'Registered prompts and their versions', load: () => import('./commands/prompts.ts') },
  import: { summary: 'Import from another tracking server', load: () => import('./commands/import.ts') },
  adopt: { summary: 'Write specs for the models of an MLflow', load: () => import('./commands/adopt.ts') },
  golden: { summary: 'Golden sets', load: () => import('./commands/golden.ts') },
  eval: { summary: 'Compare a version with what is live, on the golden set', load: () => import('./commands/eval.ts') },
  compare: { summary: 'Is the candidate worse? Two files of answers', load: () => import('./commands/compare.ts') },
  gate: { summary: 'May this version ship?', load: () => import('./commands/gate.ts') },
  ci: { summary: 'Plan, gate and report in any CI', load: () => import('./commands/ci.ts') },
  release: { summary: 'Release a version by shadow and steps', load: () => import('./commands/release.ts') },
  approve: { summary: 'Sign a version and its evidence', load: () => import('./commands/approve.ts') },
  releases: { summary: 'Releases of a model', load: () => import('./commands/releases.ts') },
  rollout: { summary: 'Watch and steer a rollout', load: () => import('./commands/rollout.ts') },
  rollback: { summary: 'Put the previous release back', load: () => import('./commands/rollback.ts') },
  unpin: { summary: 'Let releases go on after a rollback', load: () => import('./commands/unpin.ts') },
  drill: { summary: 'Rehearse the rollback on the warm pair', load: () => import('./commands/drill.ts') },
  bisect: { summary: 'Which release made it worse?', load: () => import('./commands/bisect.ts') },
  live: { summary: 'What is or was live', load: () => import('./commands/live.ts') },
  delivery: { summary: 'Delivery metrics and policy of a model', load: () => import('./commands/delivery.ts') },
  policy: { summary: 'How freely a model may be released', load: () => import('./commands/policy.ts') },
  endpoints: {
    summary: 'Who answers what share, on what, and how busily',
    load: () => import('./commands/endpoints.ts'),
  },
  predict: { summary: 'Ask an endpoint', load: () => import('./commands/predict.ts') },
  predictions: { summary: 'The prediction log', load: () => import('./commands/predictions.ts') },
  label: { summary: 'Report what turned out', load: () => import('./commands/label.ts') },
  imports: { summary: 'What comes by itself from sources', load: () => import('./commands/imports.ts') },
  outcome: { summary: 'Report outcomes beside labels', load: () => import('./commands/outcome.ts') },
  replay: { summary: 'Run a logged prediction again', load: () => import('./commands/replay.ts') },
  drift: { summary: 'Did the world move, and does it matter?', load: () => import('./commands/drift.ts') },
  alerts: { summary: 'Alerts and their verdicts', load: () => import('./commands/alerts.ts') },
  failures: { summary: 'What keeps going wrong', load: () => import('./commands/failures.ts') },
  decide: { summary: 'Record a decision', load: () => import('./commands/decide.ts') },
  review: { summary: 'Decisions, and what is due', load: () => import('./commands/review.ts') },
  readiness: { summary: 'The ML Test Score of a model', load: () => import('./commands/readiness.ts') },
  clock: { summary: 'Move the simulated clock of a replay server', load: () => import('./commands/clock.ts') },
  events: { summary: 'The audit log', load: () => import('./commands/events.ts') },
  webhooks: { summary: 'Notify other systems of what happens here', load: () => import('./commands/webhooks.ts') },
  user: { summary: 'The people of this server', load: () => import('./commands/user.ts') },
  token: { summary: 'Tokens for people and services', load: () => import('./commands/token.ts') },
  config: { summary: 'Settings, and where each comes from', load: () => import('./commands/config.ts') },
  gc: { summary: 'Remove what nothing names any more', load: () => import('./commands/gc.ts') },
  fsck: { summary: 'Re-hash all stored bytes', load: () => import('./commands/fsck.ts') },
  doctor: { summary: 'Check machine, folder and server', load: () => import('./commands/doctor.ts') },
  open: { summary: 'Show the same thing in the browser', load: () => import('./commands/open.ts') },
  completion: { summary: 'Completion for bash, zsh or fish', load: () => import('./commands/completion.ts') },
  api: { summary: 'Call any operation of the API', load: () => import('./commands/api.ts') },
}

/** Every word with what may follow it, for completion. */
export async function summaries(): ReturnType<CommandLine['words']> {
  return Promise.all(
    Object.entries(words).map(async ([name, { summary, load }]) => {
      const { command } = await load()
      const children = [...Object.keys(command.commands ?? {}), ...argumentWords(command)]
      return { name, summary, children, options: optionWords(command) }
    }),
  )
}

function argumentWords({ args = {} }: Command): string[] {
  return Object.values(args).flatMap(({ words = [] }) => words)
}

/** What an option may be, of the word itself or of one below it. */
function optionWords({ options = {}, commands = {} }: Command): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const [key, { words }] of Object.entries(options)) if (words) found[optionName(key)] = [...words]
  for (const child of Object.values(commands))
    for (const [flag, words] of Object.entries(optionWords(child)))
      found[flag] = [...new Set([...(found[flag] ?? []), ...words])]
  return found
}
