export { ScanReport } from './report.ts'
export { refuseByPolicy, scanArtifact } from './scanner.ts'
