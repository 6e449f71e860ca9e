import { resolve } from 'node:path'
import { amount, argument, type Command, defineCommand, listing, listOptions, moment, table, text } from '../kit/kit.ts'
import { getArtifact, putArtifact } from '../transfer/artifact-files.ts'

export const command: Command = {
  summary: 'Immutable bytes, named by their digest',
  commands: {
    list: defineCommand({
      summary: 'Artifacts, newest first',
      options: listOptions,
      async run(session, input) {
        const client = await session.client()
        return listing(input, {
          fetch: (paging) => client.artifacts.list(paging),
          headers: ['digest', 'files', 'bytes', 'created'],
          row: (artifact) => [artifact.digest, artifact.files.length, artifact.size, moment(artifact.createdAt)],
        })
      },
    }),
    put: defineCommand({
      summary: 'Store a file or a folder as an immutable artifact; large files go in parts',
      args: { path: argument() },
      options: { resume: text('go on with the upload of a file that stopped', 'upload') },
      async run(session, { args: { path }, options: { resume } }) {
        const place = resolve(session.io.cwd, path)
        const artifact = await putArtifact(session, { place, shown: path, resume })
        return { data: artifact, text: artifact.digest, next: [`keel artifacts get ${artifact.digest} --to copy`] }
      },
    }),
    get: defineCommand({
      summary: 'Write the files of an artifact to a folder',
      args: { digest: argument() },
      options: { to: text('the folder (default: this one)', 'folder') },
      async run(session, { args: { digest }, options: { to } }) {
        const folder = to ?? '.'
        const files = await getArtifact(await session.client(), digest, resolve(session.io.cwd, folder))
        return { data: { folder, files }, text: files.join('\n') }
      },
    }),
    show: defineCommand({
      summary: 'The files of an artifact',
      args: { digest: argument() },
      async run(session, { args: { digest } }) {
        const artifact = await (await session.client()).artifacts.get({ digest })
        return {
          data: artifact,
          text: table(
            ['path', 'bytes', 'digest'],
            artifact.files.map((file) => [file.path, file.size, file.digest]),
          ),
        }
      },
    }),
    link: defineCommand({
      summary: 'A link to the bytes of a file, for whoever holds it',
      args: { digest: argument() },
      options: {
        hours: amount('how long it works (default 1, at most 168)', 'hours'),
        name: text('what the download is called', 'file'),
      },
      async run(session, { args: { digest }, options }) {
        const hours = options.hours ?? 1
        const filename = options.name
        const { url, expiresAt } = await (await session.client()).artifacts.linkBlob({
          digest,
          seconds: Math.round(hours * 3_600),
          filename,
        })
        const full = url.startsWith('/') ? `${await session.url()}${url}` : url
        return { data: { url: full, expiresAt }, text: full }
      },
    }),
    verify: defineCommand({
      summary: 'Re-hash every file of an artifact',
      args: { digest: argument() },
      async run(session, { args: { digest } }) {
        const report = await (await session.client()).artifacts.verify({ digest })
        return {
          data: report,
          text: report.ok ? 'All bytes are as named.' : `Damaged: ${report.damaged.join(', ')}`,
          exitCode: report.ok ? 0 : 1,
        }
      },
    }),
  },
}
