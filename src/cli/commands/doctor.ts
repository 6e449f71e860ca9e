import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { toAppError } from '../../core/errors.ts'
import { readOwner } from '../../core/lock.ts'
import { answers, type Command, type Session, table } from '../kit/kit.ts'

type Finding = { check: string; state: 'ok' | 'warn' | 'fail'; message: string; fix?: string | undefined }

export const command: Command = {
  summary: 'Check machine, folder and server; each line ends with what fixes it',
  anywhere: true,
  async run(session) {
    const findings = [checkNode(), ...(await checkFolder(session)), ...(await checkServer(session))]
    const failed = findings.some(({ state }) => state === 'fail')
    return {
      data: findings,
      text: table(
        ['', 'check', 'what', 'fix'],
        findings.map(({ check, state, message, fix }) => [state, check, message, fix ?? '']),
      ),
      exitCode: failed ? 1 : 0,
    }
  },
}

function checkNode(): Finding {
  return { check: 'node', state: 'ok', message: `${process.version} on ${process.platform}-${process.arch}` }
}

async function checkFolder(session: Session): Promise<Finding[]> {
  const { config } = await session.settings()
  const folder = resolve(session.root, config.data)
  const nearest = existing(folder)
  try {
    accessSync(nearest, constants.W_OK)
  } catch {
    return [
      { check: 'folder', state: 'fail', message: `"${nearest}" cannot be written.`, fix: 'keel up --data <folder>' },
    ]
  }
  const { bavail, bsize } = statfsSync(nearest)
  const gibibytes = (bavail * bsize) / 1024 ** 3
  return [
    { check: 'folder', state: 'ok', message: `${folder} can be written.` },
    { check: 'space', state: gibibytes < 1 ? 'warn' : 'ok', message: `${gibibytes.toFixed(1)} GiB free.` },
  ]
}

function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(dirname(folder))
}

async function checkServer(session: Session): Promise<Finding[]> {
  const { config } = await session.settings()
  const owner = readOwner(resolve(session.root, config.data))
  const running = config.server !== '' || (owner !== undefined && (await answers(owner.url)))
  const state: Finding = running
    ? { check: 'server', state: 'ok', message: `It answers at ${config.server || owner?.url}.` }
    : { check: 'server', state: 'warn', message: 'No server runs; commands start one for themselves.', fix: 'keel up' }
  if (!session.hasProject && !running)
    return [{ ...state, message: 'No server runs and there is no project here.', fix: 'keel init' }]
  try {
    const client = await session.client()
    const { findings } = await client.system.doctor({})
    const { log, unreadable, fetching } = await client.review.status({})
    return [state, ...findings, checkLog(log), ...checkSources(unreadable), ...checkFetching(fetching)]
  } catch (error) {
    const { message } = toAppError(error)
    return [state, { check: 'data', state: 'fail', message }]
  }
}

function checkSources(unreadable: { source: string; reason: string }[]): Finding[] {
  if (unreadable.length === 0) return [{ check: 'sources', state: 'ok', message: 'Every source can be read.' }]
  return unreadable.map(({ source, reason }) => ({
    check: 'sources',
    state: 'fail',
    message: `"${source}" cannot be read: ${reason}.`,
    fix: `keel data check ${source}`,
  }))
}

function checkFetching(fetching: { what: string; problem: string }[]): Finding[] {
  return fetching.map(({ what, problem }) => ({
    check: 'imports',
    state: 'warn',
    message: `${what}: ${problem}.`,
    fix: what.startsWith('source ') ? `keel data fetch ${what.slice('source '.length)}` : 'keel imports list',
  }))
}

function checkLog({ failing, summary }: { failing: boolean; summary: string | null }): Finding {
  const check = 'prediction log'
  if (summary === null) return { check, state: 'ok', message: 'Every answer is written down.' }
  return { check, state: failing ? 'fail' : 'warn', message: summary, fix: 'keel events --type serving.log_gap' }
}
