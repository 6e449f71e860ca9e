import { contract, DigestText, Name, Nothing, object, optional, page, paging, Time } from '../../core/contract.ts'
import { Type } from '../../core/shapes/shapes.ts'
import { maximumParts } from '../../core/storage/storage.ts'

export const ArtifactFile = object({
  path: Type.String({ minLength: 1, maxLength: 1024, description: 'Relative, with forward slashes, no dot segments' }),
  digest: DigestText,
  size: Type.Integer({ minimum: 0 }),
})

export const Artifact = object({
  digest: DigestText,
  size: Type.Integer(),
  files: Type.Array(ArtifactFile),
  createdAt: Time,
})

const Part = object({
  number: Type.Integer({ minimum: 1, maximum: maximumParts }),
  size: Type.Integer(),
  etag: Type.String(),
})

const Upload = object({
  upload: Name,
  partBytes: Type.Integer({ description: 'The size that parts should have; only the last may be smaller than 5 MiB' }),
  parts: Type.Array(Part, { description: 'What has arrived: the others are still to be sent' }),
  digest: Type.Union([DigestText, Type.Null()], { description: 'Of the whole, once it is complete' }),
  createdAt: Time,
})

const Started = object({ job: Type.String({ description: 'Its result is that of the job' }) })

const uploadKey = { upload: Name }

export const artifacts = contract({
  putBlob: {
    method: 'PUT',
    path: '/blobs',
    role: 'member',
    summary: 'Stores bytes under the name of their digest; the same bytes are kept once',
    body: 'bytes',
    input: object({ digest: optional(DigestText) }),
    output: object({ digest: DigestText, size: Type.Integer() }),
  },
  getBlob: {
    method: 'GET',
    path: '/blobs/:digest',
    role: 'viewer',
    summary: 'The bytes of a digest',
    reply: 'bytes',
    input: object({ digest: DigestText }),
    output: Nothing,
  },
  linkBlob: {
    method: 'POST',
    path: '/blobs/:digest/link',
    role: 'viewer',
    summary: 'A link that gives the bytes to whoever holds it, until it expires; a path means one on this server',
    input: object({
      digest: DigestText,
      seconds: optional(Type.Integer({ minimum: 1, maximum: 604_800 })),
      filename: optional(Type.String({ minLength: 1, maxLength: 255, pattern: '^[^/\\\\\\u0000-\\u001f]+$' })),
    }),
    output: object({ url: Type.String(), expiresAt: Time }),
  },
  getLinkedBlob: {
    method: 'GET',
    path: '/blobs/:digest/linked/:filename',
    role: 'anyone',
    summary: 'The bytes behind a link',
    reply: 'bytes',
    input: object({
      digest: Type.String(),
      filename: Type.String(),
      expires: optional(Type.String()),
      signature: optional(Type.String()),
    }),
    output: Nothing,
  },
  startUpload: {
    method: 'POST',
    path: '/uploads',
    role: 'member',
    summary: 'Begins an upload in parts, which may stop and go on for a week',
    input: Nothing,
    output: Upload,
  },
  getUpload: {
    method: 'GET',
    path: '/uploads/:upload',
    role: 'member',
    summary: 'What has arrived of an upload',
    input: object(uploadKey),
    output: Upload,
  },
  putPart: {
    method: 'PUT',
    path: '/uploads/:upload/parts/:number',
    role: 'member',
    summary: 'Sends one part; sending it again replaces it',
    body: 'bytes',
    input: object({ ...uploadKey, number: Part.properties.number }),
    output: Part,
  },
  completeUpload: {
    method: 'POST',
    path: '/uploads/:upload/complete',
    role: 'member',
    summary: 'Joins the parts to the bytes of one digest; without a list, all that arrived',
    input: object({
      ...uploadKey,
      digest: optional(DigestText),
      parts: optional(
        Type.Array(object({ number: Part.properties.number, etag: optional(Type.String({ maxLength: 200 })) }), {
          minItems: 1,
          maxItems: maximumParts,
        }),
      ),
    }),
    output: object({ digest: DigestText, size: Type.Integer() }),
  },
  abortUpload: {
    method: 'DELETE',
    path: '/uploads/:upload',
    role: 'member',
    summary: 'Gives an upload up and drops its parts',
    input: object(uploadKey),
    output: Nothing,
  },
  collectGarbage: {
    method: 'POST',
    path: '/artifacts/gc',
    role: 'admin',
    summary: 'Counts bytes that nothing names, and with "apply" removes those that were unnamed for the time of grace',
    input: object({
      apply: optional(Type.Boolean()),
      graceHours: optional(Type.Number({ minimum: 0, maximum: 87_600 })),
    }),
    output: Started,
  },
  checkStore: {
    method: 'POST',
    path: '/artifacts/fsck',
    role: 'member',
    summary: 'Re-hashes all bytes and looks for what is missing; changes nothing',
    input: Nothing,
    output: Started,
  },
  create: {
    method: 'POST',
    path: '/artifacts',
    role: 'member',
    summary: 'Binds stored bytes to paths: an immutable artifact, named by the digest of its manifest',
    input: object({ files: Type.Array(ArtifactFile, { minItems: 1, maxItems: 10_000 }) }),
    output: Artifact,
  },
  get: {
    method: 'GET',
    path: '/artifacts/:digest',
    role: 'viewer',
    summary: 'The manifest of an artifact',
    input: object({ digest: DigestText }),
    output: Artifact,
  },
  list: {
    method: 'GET',
    path: '/artifacts',
    role: 'viewer',
    summary: 'Artifacts, newest first',
    input: object(paging),
    output: page(Artifact),
  },
  verify: {
    method: 'POST',
    path: '/artifacts/:digest/verify',
    role: 'viewer',
    summary: 'Re-hashes every file of an artifact',
    input: object({ digest: DigestText }),
    output: object({ digest: DigestText, ok: Type.Boolean(), damaged: Type.Array(Type.String()) }),
  },
})
