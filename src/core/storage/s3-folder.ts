import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { AppError } from '../errors.ts'
import { open, openBucket } from './s3-bucket.ts'

/** Files of others in a bucket: they are read and never written. */
type S3Folder = {
  /** In the order of their keys, each with what changes when its bytes do. */
  list(): AsyncIterable<{ key: string; size: number; stamp: string }>
  download(key: string, path: string): Promise<void>
  close(): void
}

/** `s3://bucket/prefix?endpoint=…`: what lies below the prefix, or, where it holds `*`, what its pattern names. */
export async function openS3Folder(url: string): Promise<S3Folder> {
  const [place = '', options] = url.split('?')
  const at = place.search(/[^/]*\*/)
  const pattern = at < 0 ? undefined : decodeURIComponent(new URL(place).pathname.slice(1))
  const folder = `${at < 0 ? place : place.slice(0, at)}${options === undefined ? '' : `?${options}`}`
  const bucket = await openBucket(folder, 'The place of the files')
  const { s3, client, Bucket, prefix } = bucket
  const { matchesGlob } = await import('node:path/posix')

  async function* list() {
    for (let token: string | undefined, more = true; more; ) {
      const command = new s3.ListObjectsV2Command({
        Bucket,
        Prefix: prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      })
      const page = await client.send(command).catch(failed)
      for (const { Key = '', Size = 0, ETag = '' } of page.Contents ?? [])
        if (pattern === undefined || matchesGlob(Key, pattern)) yield { key: Key, size: Size, stamp: `${Size}/${ETag}` }
      more = page.IsTruncated ?? false
      token = page.NextContinuationToken
    }
  }

  return {
    list,
    async download(key, path) {
      const bytes = await open(bucket, key).catch(failed)
      if (!bytes) throw new AppError('not_found', `"${key}" is not in the bucket any more.`, { name: key })
      await pipeline(bytes, createWriteStream(path))
    },
    close: () => client.destroy(),
  }
}

function failed(error: unknown): never {
  const cause = error instanceof AppError ? error.cause : error
  const name = cause instanceof Error ? cause.name : 'Error'
  throw new AppError('upstream_failed', `The object store did not do what it was asked (${name}).`, {
    hint: 'Check the bucket, its endpoint, and the credentials in the environment of the server.',
    cause,
  })
}
