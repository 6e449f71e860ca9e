export { type Blob, type Blobs, digestOf } from './blobs.ts'
export { maximumParts, partBytes } from './drafts.ts'
export { verifying } from './hashed-file.ts'
export { openBlobs } from './open.ts'
