export { openFolderSource } from './folder-source.ts'
