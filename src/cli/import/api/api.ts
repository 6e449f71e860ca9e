export { openApiSource } from './api-source.ts'
