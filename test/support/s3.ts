import type { TestContext } from 'node:test'
import { readEnvironment } from '../../src/core/config.ts'

/** The setting `blobs` for a bucket of the test's own in the store of TEST_S3; undefined when there is none. */
export async function testBucket(test: TestContext): Promise<string | undefined> {
  const endpoint = readEnvironment()['TEST_S3']
  if (endpoint === undefined) return undefined
  const s3 = await import('@aws-sdk/client-s3')
  const client = new s3.S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true })
  const Bucket = `keel-${process.pid}-${Math.random().toString(36).slice(2, 10)}`
  await client.send(new s3.CreateBucketCommand({ Bucket }))
  test.after(async () => {
    for (let more = true; more; ) {
      const { Contents = [], IsTruncated } = await client.send(new s3.ListObjectsV2Command({ Bucket }))
      for (const { Key } of Contents) await client.send(new s3.DeleteObjectCommand({ Bucket, Key }))
      more = IsTruncated ?? false
    }
    await client.send(new s3.DeleteBucketCommand({ Bucket }))
    client.destroy()
  })
  return `s3://${Bucket}/some/where?endpoint=${encodeURIComponent(endpoint)}`
}
