import { Type } from 'typebox'
import { contract, DigestText, Nothing, object, optional, page, paging, Time } from '../../core/contract.ts'

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
