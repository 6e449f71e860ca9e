export { refuseByPolicy, scanArtifact } from './scanner.ts'
