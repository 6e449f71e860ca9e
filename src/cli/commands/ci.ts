import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from '../../client/client.ts'
import type { Api } from '../../contract.ts'
import { type Candidate, commentsOf, exitCodeOf, junitOf, markdownOf, type Report, worstOf } from '../ci/report.ts'
import { findForge, stick } from '../ci/sticky-comment.ts'
import { readDefinitions } from '../files/definitions.ts'
import { dialect, dialectOptions } from '../files/dialect.ts'
import { signedInputs } from '../files/signed-inputs.ts'
import { defineCommand, flag, modelVersion, table, text, texts } from '../kit/kit.ts'
import { refusedCode } from './plan.ts'

export const command = defineCommand({
  summary: 'Plan, gate and report in any CI; exit code 0 may ship, 3 fails, 4 cannot tell, 5 something else is missing',
  args: { candidates: texts('', 'candidates') },
  options: {
    out: text('where comment.md, junit.xml and report.json go (default keel-ci)', 'folder'),
    comment: flag('keep one comment on the pull request or merge request up to date'),
    apply: flag('apply the files first, as "keel apply" does'),
    ...dialectOptions,
  },
  examples: ['keel ci flight-delay@2', 'keel ci --comment'],
  async run(session, { args, options }) {
    const client = await session.client()
    const definitions = await readDefinitions(session.root, session.say, dialect(options), signedInputs(session))
    const plan = options.apply ? await client.project.apply(definitions) : await client.project.plan(definitions)
    const given =
      args.candidates.length > 0
        ? args.candidates.map(modelVersion)
        : await newest(
            client,
            definitions.models.map(({ model }) => model),
          )
    const candidates: Candidate[] = []
    for (const { model, version } of given) candidates.push(await judge(client, model, version))
    const report: Report = {
      project: definitions.project,
      plan,
      candidates,
      exitCode: worstOf([...candidates.map(exitCodeOf), plan.refusals.length > 0 ? refusedCode : 0]),
    }
    const folder = resolve(session.io.cwd, options.out ?? 'keel-ci')
    const markdown = markdownOf(report)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'comment.md'), markdown)
    writeFileSync(join(folder, 'junit.xml'), junitOf(report))
    writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
    if (options.comment) {
      const forge = findForge(session.io.environment, (path) => readFileSync(path, 'utf8'))
      if (forge) for (const comment of commentsOf(report)) session.say(`Comment ${await stick(forge, comment)}.`)
      else session.say('No pull request and token in the environment: no comment.')
    }
    return {
      data: report,
      text: `${describe(report)}\n\nIn ${folder}: comment.md, junit.xml, report.json`,
      exitCode: report.exitCode,
    }
  },
})

/** The newest version of every model that is not live already. */
async function newest(client: Client<Api>, models: string[]): Promise<{ model: string; version: number }[]> {
  const found: { model: string; version: number }[] = []
  for (const model of models) {
    const { items } = await client.registry.listVersions({ model })
    const version = Math.max(0, ...items.map((one) => one.version))
    const { aliases } = await client.registry.getModel({ model })
    if (version > 0 && aliases['live'] !== version) found.push({ model, version })
  }
  return found
}

async function judge(client: Client<Api>, model: string, version: number): Promise<Candidate> {
  const gate = await client.evaluation.runGate({ model, version })
  const release = await client.delivery.planRelease({ model, version })
  const { items } = await client.delivery.listApprovals({ model, version })
  return { model, version, gate, release, approvedBy: items.find(({ valid }) => valid)?.by ?? null }
}

function describe({ candidates }: Report): string {
  const rows = candidates.map(({ model, version, gate, release, approvedBy }) => [
    `${model}@${version}`,
    exitCodeOf({ gate, release, approvedBy }),
    gate.verdict.replaceAll('_', ' '),
    gate.summary,
  ])
  return rows.length === 0
    ? 'Nothing to judge: every newest version is live.'
    : table(['candidate', 'exit', 'gate', 'why'], rows)
}
