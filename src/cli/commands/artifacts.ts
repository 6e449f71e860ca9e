import { resolve } from 'node:path'
import { type Command, listing, listOptions, moment, optionalNumber, string, table } from '../kit/kit.ts'
import { getArtifact, putArtifact } from '../transfer/artifact-files.ts'

export const command: Command = {
  summary: 'Immutable bytes, named by their digest',
  commands: {
    list: {
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
    },
    put: {
      summary: 'Store a file or a folder as an immutable artifact; large files go in parts',
      arguments: '<path>',
      options: [{ flags: '--resume <upload>', help: 'go on with the upload of a file that stopped' }],
      async run(session, { args: [path = ''], options }) {
        const place = resolve(session.io.cwd, path)
        const artifact = await putArtifact(session, { place, shown: path, resume: string(options['resume']) })
        return { data: artifact, text: artifact.digest, next: [`keel artifacts get ${artifact.digest} --to copy`] }
      },
    },
    get: {
      summary: 'Write the files of an artifact to a folder',
      arguments: '<digest>',
      options: [{ flags: '--to <folder>', help: 'the folder (default: this one)' }],
      async run(session, { args: [digest = ''], options }) {
        const folder = string(options['to']) ?? '.'
        const files = await getArtifact(await session.client(), digest, resolve(session.io.cwd, folder))
        return { data: { folder, files }, text: files.join('\n') }
      },
    },
    show: {
      summary: 'The files of an artifact',
      arguments: '<digest>',
      async run(session, { args: [digest = ''] }) {
        const artifact = await (await session.client()).artifacts.get({ digest })
        return {
          data: artifact,
          text: table(
            ['path', 'bytes', 'digest'],
            artifact.files.map((file) => [file.path, file.size, file.digest]),
          ),
        }
      },
    },
    link: {
      summary: 'A link to the bytes of a file, for whoever holds it',
      arguments: '<digest>',
      options: [
        { flags: '--hours <hours>', help: 'how long it works (default 1, at most 168)' },
        { flags: '--name <file>', help: 'what the download is called' },
      ],
      async run(session, { args: [digest = ''], options }) {
        const hours = optionalNumber(options['hours'], '--hours') ?? 1
        const filename = string(options['name'])
        const { url, expiresAt } = await (await session.client()).artifacts.linkBlob({
          digest,
          seconds: Math.round(hours * 3_600),
          ...(filename === undefined ? {} : { filename }),
        })
        const full = url.startsWith('/') ? `${await session.url()}${url}` : url
        return { data: { url: full, expiresAt }, text: full }
      },
    },
    verify: {
      summary: 'Re-hash every file of an artifact',
      arguments: '<digest>',
      async run(session, { args: [digest = ''] }) {
        const report = await (await session.client()).artifacts.verify({ digest })
        return {
          data: report,
          text: report.ok ? 'All bytes are as named.' : `Damaged: ${report.damaged.join(', ')}`,
          exitCode: report.ok ? 0 : 1,
        }
      },
    },
  },
}
