import { Readable } from 'node:stream'
import type * as sdk from '@aws-sdk/client-s3'
import { hour } from '../duration.ts'
import { invalidInput } from '../errors.ts'
import type { Range } from './blobs.ts'
import { assertDigest, type Digest } from './digest.ts'
import { isMissing, onStore } from './s3-transfer.ts'

/** An S3 bucket and how it is asked. */
export type S3Bucket = {
  s3: typeof sdk
  client: sdk.S3Client
  Bucket: string
  /** Of all keys: empty, or it ends in a slash. */
  prefix: string
  getSignedUrl: typeof import('@aws-sdk/s3-request-presigner').getSignedUrl
}

type Place = { bucket: string; prefix: string; endpoint: string | undefined; region: string }

/** Within this time a blob that is put again keeps its date; after it, the date is refreshed, so that nobody takes it for old. */
const freshMilliseconds = hour

export async function openBucket(url: string, said = 'The setting "blobs"'): Promise<S3Bucket> {
  const { bucket: Bucket, prefix, endpoint, region } = parsePlace(url, said)
  const s3 = await import('@aws-sdk/client-s3')
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
  const client = new s3.S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { s3, client, Bucket, prefix, getSignedUrl }
}

/** `s3://bucket/prefix?endpoint=http://…&region=…`. Credentials come from the environment only, as AWS's tools find them. */
function parsePlace(url: string, said: string): Place {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol !== 's3:' || parsed.host === '' || parsed.username !== '')
    throw invalidInput(`${said} is "${url}", not s3://bucket/prefix.`, { name: url })
  const prefix = decodeURIComponent(parsed.pathname).replace(/^\/+|\/+$/g, '')
  return {
    bucket: parsed.host,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint: parsed.searchParams.get('endpoint') ?? undefined,
    region: parsed.searchParams.get('region') ?? 'us-east-1',
  }
}

export function keyOf({ prefix }: S3Bucket, digest: Digest): string {
  const hex = assertDigest(digest).slice('sha256:'.length)
  return `${prefix}blobs/${hex.slice(0, 2)}/${hex}`
}

export async function head(bucket: S3Bucket, digest: Digest): Promise<{ size: number; storedAt: Date } | undefined> {
  const { s3, client, Bucket } = bucket
  const Key = keyOf(bucket, digest)
  try {
    const { ContentLength, LastModified } = await client.send(new s3.HeadObjectCommand({ Bucket, Key }))
    return { size: ContentLength ?? 0, storedAt: LastModified ?? new Date(0) }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw onStore(error)
  }
}

export async function open(bucket: S3Bucket, key: string, range?: Range): Promise<Readable | undefined> {
  const { s3, client, Bucket } = bucket
  const Range = range && `bytes=${range.start}-${range.end}`
  try {
    const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key: key, ...(Range ? { Range } : {}) }))
    if (!(Body instanceof Readable)) throw new Error('The object store sent no body.')
    return Body
  } catch (error) {
    if (isMissing(error)) return undefined
    throw onStore(error)
  }
}

/** True when the bytes are there and young enough to be left alone. */
export async function known(bucket: S3Bucket, digest: Digest, size: number): Promise<boolean> {
  const facts = await head(bucket, digest)
  return facts?.size === size && Date.now() - facts.storedAt.getTime() < freshMilliseconds
}
