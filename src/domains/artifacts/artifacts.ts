export { create, get, list, verify } from './artifact-records.ts'
export { getBlob, putBlob } from './blobs.ts'
export { bindFile, deleteFiles, filesBelow, freeze, getFile, listFolder, putFile, type StoredFile } from './files.ts'
export { checkStore, fsck } from './fsck.ts'
export { collectGarbage, gc } from './garbage.ts'
export { bytesOf, getLinkedBlob, linkBlob, linkTo } from './links.ts'
export {
  abortUpload,
  checkPartNumber,
  completeUpload,
  getUpload,
  partLink,
  putLinkedPart,
  putPart,
  startUpload,
} from './uploads.ts'
