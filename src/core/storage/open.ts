import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Blobs } from './blobs.ts'
import { diskBlobs } from './disk.ts'

/** Where the settings say that bytes are kept. The S3 client is loaded only where it is used: it is large. */
export async function openBlobs(config: Config, folder: string): Promise<Blobs> {
  if (config.blobs === '') return diskBlobs(folder)
  const { openS3 } = await import('./s3.ts')
  return openS3(config, join(folder, 'cache'))
}
