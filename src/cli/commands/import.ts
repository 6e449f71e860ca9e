import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import {
  checkCounts,
  importMlflow,
  type MlflowSource,
  openApiSource,
  openSqliteSource,
  type SourceFile,
} from '../import/import.ts'
import { type Command, defineCommand, type Outcome, required, type Session, table, text } from '../kit/kit.ts'

export const command: Command = {
  summary: 'Import from another tracking server',
  commands: {
    mlflow: defineCommand({
      summary: 'Experiments, runs, metrics, artifacts and models of an MLflow; run it again to go on',
      options: {
        from: required(text('URL of its server, or its SQLite file', 'source')),
        artifacts: text('where its server kept artifacts (default: mlartifacts beside the file)', 'folder'),
      },
      examples: ['keel import mlflow --from mlflow.db', 'keel import mlflow --from http://127.0.0.1:5000'],
      async run(session, { options: { from, artifacts } }) {
        return fromMlflow(session, openSource(session, from, artifacts))
      },
    }),
  },
}

async function fromMlflow(session: Session, source: MlflowSource): Promise<Outcome> {
  const client = await session.client()
  const total = await source.countRuns()
  const progress = session.progress('runs')
  try {
    const url = await session.url()
    const { config } = await session.settings()
    const { counts, skipped, elsewhere } = await importMlflow({
      source,
      client,
      putFile: (path, file) => putFile(url, config.token, path, file),
      onProgress: (done, note) => progress.update(done, Math.max(done, total), note),
    })
    progress.end()
    if (skipped > 0) session.say(`${skipped} runs were here already, unchanged.`)
    if (elsewhere > 0)
      session.say(`The artifacts of ${elsewhere} stay where they are: this command cannot read that place.`)
    checkCounts(counts)
    return {
      data: { from: source.name, counts, skipped, elsewhere },
      text: table(
        ['what', 'there', 'here'],
        counts.map(({ what, source, here }) => [what, source, here]),
      ),
      next: ['keel runs list', 'keel models list'],
    }
  } finally {
    progress.end()
    source.close()
  }
}

function openSource(session: Session, from: string, artifacts: string | undefined): MlflowSource {
  if (/^https?:\/\//.test(from)) return openApiSource(from, session.io.environment)
  const path = resolve(session.io.cwd, from.replace(/^sqlite:\/\/\//, ''))
  return openSqliteSource(path, artifacts === undefined ? undefined : resolve(session.io.cwd, artifacts))
}

/** As MLflow's clients send files: streamed, so that their size does not matter. */
async function putFile(url: string, token: string, path: string, file: SourceFile): Promise<void> {
  const bytes = await file.open()
  const response = await fetch(
    `${url}/api/2.0/mlflow-artifacts/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`,
    {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: Readable.toWeb(bytes) as ReadableStream,
      duplex: 'half',
    },
  )
  const answer = await response.text()
  if (!response.ok)
    throw new AppError('invalid_input', `"${path}" was not accepted: ${answer.slice(0, 300)}`, { name: path })
}
